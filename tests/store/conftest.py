"""A store on either database: its own SQLite file, or the emptied one of a PostgreSQL server."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pba.store import Store, tidy_job
from tests.store.builders import NOW_S
from tests.support.databases import new_file, new_postgresql
from tests.support.postgres import postgresql


@pytest.fixture(autouse=True)
def _tidying_without_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have tidying rest for as long as a transaction took, and no longer."""
    monkeypatch.setattr(tidy_job, "_PAUSE_S", 0.0)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Start a PostgreSQL server that does not wait for the disk; yield its URL."""
    with postgresql() as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database that has the tables, and no rows."""
    if request.param == "sqlite":
        return new_file(tmp_path / "pba.db")
    return new_postgresql(request.getfixturevalue("server"))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/pba.db"
    server: str = request.getfixturevalue("server")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return server


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store(url, lambda: NOW_S, retention_days=1.0).ready()
    yield store
    store.close()
