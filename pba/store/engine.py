"""Connections and transactions on SQLite or PostgreSQL. Failures become `StoreUnavailable`.

A connection to PostgreSQL keeps no state between transactions: time limits are set inside each, and
nothing is prepared on the server. So each transaction may run on another server connection, as
behind PgBouncer in transaction mode.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, RootTransaction, create_engine, event
from sqlalchemy.exc import DBAPIError

from pba.private_files import create_private_file, create_private_folder
from pba.store.failures import translated_errors, unavailable
from pba.store.url import parse_url

__all__ = ["connect", "time_limits", "transaction"]

_TIMEOUT_S = 5
_IDLE_S = 2  # a client that hangs or is lost between two statements gives its locks back
_HAS_TRANSACTION_TIMEOUT = 170_000
# A server whose machine is gone is noticed after 10 s; the defaults of the system are hours.
_KEEPALIVE = {
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
_STATELESS = {
    "autocommit": True,  # transactions begin with their limits, in one round trip
    "prepare_threshold": None,
    "client_encoding": "utf8",  # a database in SQL_ASCII would give bytes for text
}
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # an acknowledged sample survives a power cut
)


def connect(url: str) -> Engine:
    """Return an engine for the database at ``url``; it connects on first use.

    Raises
    ------
    InvalidInput
        As `pba.store.url.parse_url`.
    OSError
        If the folder of a SQLite file cannot be created.
    """
    parsed = parse_url(url)
    return _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed)


@contextlib.contextmanager
def transaction(engine: Engine, writes: bool = False) -> Iterator[Connection]:
    """Open a transaction that is committed at the end; raises as `translated_errors`.

    The first statement notices a connection that has died since its last use. Then the pool is
    emptied, and the transaction begins once more.
    """
    with translated_errors(engine.url):
        connection, begun = _begin(engine, writes)
        with connection, begun:
            yield connection


def time_limits(server_version: int, writes: bool) -> dict[str, int]:
    """Return the settings that bound a transaction on PostgreSQL, in milliseconds.

    They are set inside each transaction, so they hold behind a pooler too.

    Parameters
    ----------
    server_version
        As PostgreSQL numbers itself: 150018 is 15.18.
    writes
        Whether the transaction may hold locks; a long export only reads.

    Examples
    --------
    >>> time_limits(150018, writes=True)["idle_in_transaction_session_timeout"]
    2000
    """
    limits = {
        "statement_timeout": _TIMEOUT_S * 2000,
        "lock_timeout": _TIMEOUT_S * 1000,
        "idle_in_transaction_session_timeout": _IDLE_S * 1000,
    }
    if writes and server_version >= _HAS_TRANSACTION_TIMEOUT:
        limits["transaction_timeout"] = _TIMEOUT_S * 4000
    return limits


def _begin(engine: Engine, writes: bool) -> tuple[Connection, RootTransaction]:
    connection = _connection(engine).execution_options(writes=writes)
    try:
        return connection, connection.begin()
    except DBAPIError as error:
        connection.close()
        if not error.connection_invalidated:
            raise
    connection = _connection(engine).execution_options(writes=writes)
    return connection, connection.begin()


def _connection(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except Exception as error:  # a driver may raise anything about a host or a foreign server
        raise unavailable(error, engine.url) from error


def _postgresql(url: URL) -> Engine:
    engine = create_engine(
        url,
        pool_timeout=_TIMEOUT_S,
        use_native_hstore=False,
        connect_args={"connect_timeout": _TIMEOUT_S} | _STATELESS | _KEEPALIVE,
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        writes = bool(connection.get_execution_options().get("writes"))
        limits = time_limits(driver.info.server_version, writes)
        settings = "".join(f"; SET LOCAL {name} = {value}" for name, value in limits.items())
        connection.exec_driver_sql("BEGIN" + settings)  # in one round trip

    return engine


def _sqlite(url: URL) -> Engine:
    assert url.database is not None
    if not url.database.startswith("file:"):  # SQLite's own form, which may name no folder
        create_private_folder(Path(url.database).parent)
    engine = create_engine(url, pool_timeout=_TIMEOUT_S, connect_args={"timeout": _TIMEOUT_S})

    @event.listens_for(engine, "do_connect")
    def _create(*_: Any) -> None:
        if not str(url.database).startswith("file:"):
            with contextlib.suppress(OSError):  # SQLite says what is wrong
                create_private_file(Path(str(url.database)))  # its journals get the same mode

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
