"""Databases that have the tables already: to migrate one takes longer than most tests."""

import functools
import tempfile
from contextlib import closing
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from pba.store import Store
from tests.support.folders import short_folder

__all__ = ["new_file", "new_postgresql"]


def new_file(path: Path) -> str:
    """Write an SQLite store without rows to ``path``, and return its URL."""
    path.write_bytes(_migrated_file())
    return f"sqlite:///{path}"


def new_postgresql(server: str) -> str:
    """Put a store without rows in the place of the last one, and return its URL.

    Parameters
    ----------
    server
        The URL of the server's own database.
    """
    template = _migrated_database(server)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS pba WITH (FORCE)")
        connection.execute(f"CREATE DATABASE pba TEMPLATE {template} STRATEGY FILE_COPY")  # type: ignore[arg-type]
    return _url(server, "pba")


@functools.cache
def _migrated_file() -> bytes:
    with tempfile.TemporaryDirectory(dir=short_folder()) as folder:
        path = Path(folder) / "pba.db"
        _migrate(f"sqlite:///{path}")
        return path.read_bytes()


@functools.cache
def _migrated_database(server: str) -> str:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE migrated")
    _migrate(_url(server, "migrated"))
    return "migrated"


def _url(server: str, database: str) -> str:
    return server.replace(f"/{conninfo_to_dict(server)['dbname']}?", f"/{database}?")


def _migrate(url: str) -> None:
    with closing(Store(url, lambda: 0.0)) as store:
        store.ready()
