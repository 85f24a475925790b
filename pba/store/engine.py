"""Connections to SQLite or PostgreSQL, and what their failures are called in `pba.errors`."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    ProgrammingError,
    TimeoutError as PoolTimeout,
)

from pba.errors import InvalidInput, StoreUnavailable

__all__ = ["connect", "locked", "reading", "writing"]

_WAIT_S = 5
# A server that vanished with its machine is noticed after 10 s; the system's own limits are hours.
_DEAD_PEERS = {
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # an acknowledged sample outlives a power cut too
)


def connect(url: str) -> Engine:
    """Return an engine for ``url``, ``sqlite:///file`` or ``postgresql://…``; it connects later.

    Raises
    ------
    InvalidInput
        For a URL of neither.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise _no_such(url) from None
    if parsed.get_backend_name() == "postgresql":
        return _postgresql(parsed.set(drivername="postgresql+psycopg"))
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        return _sqlite(parsed)
    raise _no_such(parsed.render_as_string())


def _no_such(url: str) -> InvalidInput:
    return InvalidInput(
        f"store_url is {url!r}; it is sqlite:///FILE or postgresql://USER@HOST/DATABASE. Set "
        "PBA_STORE_URL.",
        "store_url",
    )


def _postgresql(url: Any) -> Engine:
    options = f"-c statement_timeout={_WAIT_S * 2000} -c lock_timeout={_WAIT_S * 1000}"
    return create_engine(
        url,
        pool_pre_ping=True,  # a server that came back needs no restart here
        pool_timeout=_WAIT_S,
        connect_args={"connect_timeout": _WAIT_S, "options": options} | _DEAD_PEERS,
    )


def _sqlite(url: Any) -> Engine:
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, pool_timeout=_WAIT_S, connect_args={"timeout": _WAIT_S})

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions begin as `_begin` says
        for pragma in _PRAGMAS:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer that first reads and then asks for the lock may be refused it, at once.
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that only reads.

    Raises
    ------
    StoreUnavailable
        Where the database is away, full, locked for too long, or damaged.
    """
    with _named(), engine.connect() as connection, connection.begin():
        yield connection


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that is committed at the end; raises as `reading` does."""
    with _named(), engine.connect() as connection:
        connection = connection.execution_options(writes=True)
        with connection.begin():
            yield connection


@contextlib.contextmanager
def locked(engine: Engine) -> Iterator[None]:
    """Hold a lock that one process at a time has, to change the schema."""
    if engine.dialect.name == "postgresql":
        with _named(), engine.connect() as connection, connection.begin():
            connection.execute(text("SELECT pg_advisory_xact_lock(7221433)"))
            yield
        return
    import fcntl

    with _named(), Path(f"{engine.url.database}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except (IntegrityError, ProgrammingError, DataError):
        raise  # a mistake here, not the database's
    except (DBAPIError, PoolTimeout, OSError) as error:
        raise StoreUnavailable(
            f"the telemetry store is away: {_first_line(error)}. Try again; if it stays so, see "
            "that PBA_STORE_URL answers and has room."
        ) from error


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().split("\n")[0] or type(cause).__name__
