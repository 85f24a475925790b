"""Statements for many rows at once, in transactions of one round trip.

On PostgreSQL each list of statements is a transaction that is sent as a whole, so that locks are
held while the server works and not while Python or the network does. On SQLite, where a statement
costs microseconds and one writer has the file to itself, most statements run row by row in one
transaction that the caller has opened.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from pba.store.engine import time_limits, transaction
from pba.store.failures import translated_errors, unavailable

__all__ = ["Call", "Executor", "PostgresExecutor", "SetStatement", "SqliteExecutor"]

Rows = list[tuple[Any, ...]]

_BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"  # all statements see one moment


@dataclass(frozen=True)
class SetStatement:
    """A statement for a set of rows, in the words of each database.

    Parameters
    ----------
    columns
        The PostgreSQL type of each input column by its name; none for a statement without input.
    postgresql
        Reads the rows from ``{input}``, a table ``i`` with the columns and ``place``, from 1; empty
        for what SQLite alone needs.
    sqlite
        Run for each row, whose columns are ``?1``, ``?2`` and so on; empty for what PostgreSQL
        alone needs.
    sqlite_all
        Run once after that, with the first column of all rows as a JSON array in ``?1``. What it
        returns costs a third of what a statement a row would.
    returned
        For a ``sqlite`` that inserts: how many of a row's first columns PostgreSQL returns if it is
        new. SQLite's own RETURNING costs more than the insertion.
    """

    columns: dict[str, str] = field(default_factory=dict)
    postgresql: str = ""
    sqlite: str = ""
    sqlite_all: str = ""
    returned: int = 0

    @cached_property
    def postgresql_text(self) -> str:
        """The statement for psycopg, with an array a column."""
        arrays = ", ".join(f"%s::{kind}[]" for kind in self.columns.values())
        names = ", ".join(self.columns)
        table = f"unnest({arrays}) WITH ORDINALITY AS i ({names}, place)"
        return self.postgresql.replace("{input}", table)


Call = tuple[SetStatement, Sequence[tuple[Any, ...]]]


class Executor(Protocol):
    """Runs statements; each list of them is atomic, and safe to run twice."""

    def read(self, calls: Sequence[Call]) -> list[Rows]:
        """Return the rows of each statement, all as of one moment."""

    def write(self, calls: Sequence[Call]) -> list[Rows]:
        """Return the rows of each statement; those without input rows do nothing.

        The statements must leave the same rows when they are run again after they were committed:
        a connection may die between the commit and the message that confirms it.
        """

    def in_transaction(self) -> contextlib.AbstractContextManager[Connection]:
        """Open a transaction for what statements in sets cannot do, or join the one that is."""


class SqliteExecutor:
    """Runs statements in the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver: Any = connection.connection.driver_connection
        self._error: type[Exception] = connection.dialect.loaded_dbapi.Error

    def read(self, calls: Sequence[Call]) -> list[Rows]:
        """Return the rows of each statement."""
        return self.write(calls)

    def write(self, calls: Sequence[Call]) -> list[Rows]:
        """Return the rows of each statement."""
        cursor = self._driver.cursor()
        try:
            return [_run_on_sqlite(cursor, statement, rows) for statement, rows in calls]
        except self._error as error:
            raise _wrapped(error, self._error) from error
        finally:
            cursor.close()

    @contextlib.contextmanager
    def in_transaction(self) -> Iterator[Connection]:
        """Yield the connection, whose transaction is open."""
        yield self._connection


class PostgresExecutor:
    """Runs each list of statements as a transaction of its own, in one round trip.

    A connection that turns out to be dead empties the pool, and the list is sent once more.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._error: type[Exception] = engine.dialect.loaded_dbapi.Error

    def read(self, calls: Sequence[Call]) -> list[Rows]:
        """Return the rows of each statement, all of one snapshot."""
        return self._run(calls, writes=False)

    def write(self, calls: Sequence[Call]) -> list[Rows]:
        """Return the rows of each statement once they are committed."""
        return self._run(calls, writes=True)

    def in_transaction(self) -> contextlib.AbstractContextManager[Connection]:
        """Open a transaction of its own."""
        return transaction(self._engine, writes=True)

    def _run(self, calls: Sequence[Call], writes: bool) -> list[Rows]:
        with translated_errors(self._engine.url):
            try:
                return self._attempt(calls, writes)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
            self._engine.dispose()
            return self._attempt(calls, writes)

    def _attempt(self, calls: Sequence[Call], writes: bool) -> list[Rows]:
        pooled = _checked_out(self._engine.raw_connection, self._engine)
        driver: Any = pooled.driver_connection
        try:
            return _in_one_trip(driver, calls, writes)
        except self._error as error:
            lost = bool(driver.closed)
            if lost:
                pooled.invalidate(error)
            raise _wrapped(error, self._error, lost) from error
        finally:
            pooled.close()  # which rolls back what failed


def _run_on_sqlite(cursor: Any, statement: SetStatement, rows: Sequence[tuple[Any, ...]]) -> Rows:
    """Run a statement for all rows; return what it returns."""
    if not statement.columns:
        return list(cursor.execute(statement.sqlite).fetchall())
    results: Rows = []
    if statement.returned:
        run, count = cursor.execute, statement.returned
        results = [row[:count] for row in rows if run(statement.sqlite, row).rowcount]
    elif statement.sqlite.lstrip().startswith("SELECT"):
        for row in rows:
            results += cursor.execute(statement.sqlite, row).fetchall()
    elif statement.sqlite:
        cursor.executemany(statement.sqlite, rows)
    if statement.sqlite_all and rows:
        names = json.dumps([row[0] for row in rows])
        results += cursor.execute(statement.sqlite_all, (names,)).fetchall()
    return results


def _in_one_trip(driver: Any, calls: Sequence[Call], writes: bool) -> list[Rows]:
    """Send a transaction as a whole; return the rows of each statement."""
    limits = time_limits(driver.info.server_version, writes)
    settings = ", ".join(f"set_config('{name}', '{limit}', true)" for name, limit in limits.items())
    cursors: list[Any] = []
    with driver.pipeline():
        driver.execute("BEGIN" if writes else _BEGIN_READ)
        driver.execute(f"SELECT {settings}")
        for statement, rows in calls:
            cursor = None
            if statement.postgresql and (rows or not statement.columns):
                arrays = [list(column) for column in zip(*rows, strict=True)]
                cursor = driver.cursor(binary=True)
                cursor.execute(statement.postgresql_text, arrays)
            cursors.append(cursor)
        driver.execute("COMMIT")
    return [_fetched(cursor) for cursor in cursors]


def _fetched(cursor: Any) -> Rows:
    """Return what a statement returned: nothing for one that was not run or returns no rows."""
    return [] if cursor is None or cursor.description is None else cursor.fetchall()


def _checked_out(connection: Callable[[], Any], engine: Engine) -> Any:
    try:
        return connection()
    except Exception as error:  # a driver may raise anything about a host or a foreign server
        raise unavailable(error, engine.url) from error


def _wrapped(error: Exception, base: type[Exception], lost: bool = False) -> BaseException:
    """Return a driver's error as SQLAlchemy would raise it, which `translated_errors` knows."""
    return DBAPIError.instance(None, None, error, base, connection_invalidated=lost)
