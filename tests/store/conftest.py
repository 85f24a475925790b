"""A store on either database: a file of its own, or a database of its own on a real server."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pba.store import Store
from tests.support.postgres import postgresql

NOW_S = 2e9
_names = itertools.count()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Start a PostgreSQL server, and end it afterwards."""
    with postgresql() as server:
        yield server.url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/pba.db"
    server: str = request.getfixturevalue("server")
    name = f"test_{next(_names)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store(url, lambda: NOW_S, retention_days=1.0).ready()
    yield opened
    opened.close()
