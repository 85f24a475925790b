"""Connections and transactions on SQLite or PostgreSQL. Failures become `StoreUnavailable`."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

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

__all__ = ["Database", "connect", "schema_lock", "write_transaction"]

_Inputs = ParamSpec("_Inputs")
_Result = TypeVar("_Result")

_TIMEOUT_S = 5
# A server whose machine is gone is noticed after 10 s; the defaults of the system are hours.
_KEEPALIVE = {
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # an acknowledged sample survives a power cut
)


def connect(url: str) -> Engine:
    """Return an engine for ``sqlite:///FILE`` or ``postgresql://…``; it connects on first use.

    Raises
    ------
    InvalidInput
        For any other URL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise _invalid_url(url) from None
    if parsed.get_backend_name() == "postgresql":
        return _postgresql(parsed.set(drivername="postgresql+psycopg"))
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        return _sqlite(parsed)
    raise _invalid_url(parsed.render_as_string())


def _invalid_url(url: str) -> InvalidInput:
    return InvalidInput(
        f"store_url is {url!r}; it is sqlite:///FILE or postgresql://USER@HOST/DATABASE. Set "
        "PBA_STORE_URL.",
        "store_url",
    )


def _postgresql(url: Any) -> Engine:
    options = f"-c statement_timeout={_TIMEOUT_S * 2000} -c lock_timeout={_TIMEOUT_S * 1000}"
    return create_engine(
        url,
        pool_pre_ping=True,  # reconnects after the server was restarted
        pool_timeout=_TIMEOUT_S,
        connect_args={"connect_timeout": _TIMEOUT_S, "options": options} | _KEEPALIVE,
    )


def _sqlite(url: Any) -> Engine:
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, pool_timeout=_TIMEOUT_S, connect_args={"timeout": _TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # `_begin` starts the transactions
        for pragma in _PRAGMAS:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads before it locks the file can fail at once, without waiting.
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


class Database:
    """Runs functions in transactions of the database at ``url``; connects when it is first used.

    Every call raises `StoreUnavailable` while the database does not respond, or is full, locked for
    too long, or damaged.
    """

    def __init__(self, url: str) -> None:
        self.engine = connect(url)

    def read(
        self,
        work: Callable[Concatenate[Connection, _Inputs], _Result],
        *inputs: _Inputs.args,
        **options: _Inputs.kwargs,
    ) -> _Result:
        """Return what ``work`` returns, called with a connection in a transaction for reading."""
        with _translated_errors(), self.engine.connect() as connection, connection.begin():
            return work(connection, *inputs, **options)

    def write(
        self,
        work: Callable[Concatenate[Connection, _Inputs], _Result],
        *inputs: _Inputs.args,
        **options: _Inputs.kwargs,
    ) -> _Result:
        """Return what ``work`` returns, in a transaction that is committed afterwards."""
        with write_transaction(self.engine) as connection:
            return work(connection, *inputs, **options)


@contextlib.contextmanager
def write_transaction(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that is committed at the end; raises as `Database`."""
    with _translated_errors(), engine.connect() as connection:
        connection = connection.execution_options(writes=True)
        with connection.begin():
            yield connection


@contextlib.contextmanager
def schema_lock(engine: Engine) -> Iterator[None]:
    """Lock the schema against other processes while it is changed."""
    if engine.dialect.name == "postgresql":
        with _translated_errors(), engine.connect() as connection, connection.begin():
            connection.execute(text("SELECT pg_advisory_xact_lock(7221433)"))
            yield
        return
    import fcntl

    with _translated_errors(), Path(f"{engine.url.database}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except (IntegrityError, ProgrammingError, DataError):
        raise  # a defect in this package, not a failure of the database
    except (DBAPIError, PoolTimeout, OSError) as error:
        raise StoreUnavailable(
            f"the telemetry store is away: {_first_line(error)}. Try again; if it stays so, see "
            "that PBA_STORE_URL answers and has room."
        ) from error


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().split("\n")[0] or type(cause).__name__
