"""A database that may be away: transactions on the current schema, once there is one."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine

from pba.errors import InvalidInput, StoreUnavailable
from pba.store.engine import connect, transaction
from pba.store.executor import Executor, PostgresExecutor, SqliteExecutor
from pba.store.failures import concerns_schema, unavailable
from pba.store.migrate import migrate
from pba.store.privileges import require_privileges
from pba.store.schema_check import SchemaCheck
from pba.store.url import parse_url

__all__ = ["Database"]

_Inputs = ParamSpec("_Inputs")
_Result = TypeVar("_Result")


class Database:
    """Runs functions in transactions of the database at ``url``.

    The first call upgrades the schema. Every call raises `StoreUnavailable` while the database does
    not respond, refuses its user, has another schema, is full, locked for too long, or damaged, or
    while ``url`` cannot name one. No call needs more than the cause to be gone.

    Parameters
    ----------
    url
        As for `pba.store.url.parse_url`.
    schema
        The check of another `Database` with the same ``url``: what one notices both know.
    """

    def __init__(self, url: str, schema: SchemaCheck | None = None) -> None:
        self._url = url
        self._engine: Engine | None = None
        self._lock = threading.Lock()
        self.schema = schema or SchemaCheck(self._check_schema)

    @property
    def engine(self) -> Engine:
        """The engine, which exists from the first use on; raises `StoreUnavailable`."""
        with self._lock:
            if self._engine is None:
                try:
                    self._engine = connect(self._url)
                except InvalidInput as error:
                    raise StoreUnavailable(f"the telemetry store is away: {error}") from error
                except OSError as error:
                    raise unavailable(error, parse_url(self._url)) from error
            return self._engine

    def read(
        self,
        work: Callable[Concatenate[Connection, _Inputs], _Result],
        *inputs: _Inputs.args,
        **options: _Inputs.kwargs,
    ) -> _Result:
        """Return what ``work`` returns, called with a connection in a transaction for reading."""
        with self._transaction(writes=False) as connection:
            return work(connection, *inputs, **options)

    def write(
        self,
        work: Callable[Concatenate[Connection, _Inputs], _Result],
        *inputs: _Inputs.args,
        **options: _Inputs.kwargs,
    ) -> _Result:
        """Return what ``work`` returns, in a transaction that is committed afterwards."""
        with self._transaction(writes=True) as connection:
            return work(connection, *inputs, **options)

    def read_sets(
        self,
        work: Callable[Concatenate[Executor, _Inputs], _Result],
        *inputs: _Inputs.args,
        **options: _Inputs.kwargs,
    ) -> _Result:
        """Return what ``work`` returns, called with an executor for reading."""
        with self._executor(writes=False) as executor:
            return work(executor, *inputs, **options)

    def write_sets(
        self,
        work: Callable[Concatenate[Executor, _Inputs], _Result],
        *inputs: _Inputs.args,
        **options: _Inputs.kwargs,
    ) -> _Result:
        """Return what ``work`` returns, called with an executor for reading and writing.

        On SQLite all of it is one transaction, which no other writer shares.
        """
        with self._executor(writes=True) as executor:
            return work(executor, *inputs, **options)

    def close(self) -> None:
        """Close the connections."""
        if self._engine is not None:
            self._engine.dispose()

    @contextlib.contextmanager
    def _transaction(self, writes: bool) -> Iterator[Connection]:
        with self._current_schema(), transaction(self.engine, writes) as connection:
            yield connection

    @contextlib.contextmanager
    def _executor(self, writes: bool) -> Iterator[Executor]:
        with self._current_schema():
            if self.engine.dialect.name == "postgresql":
                yield PostgresExecutor(self.engine)
            else:
                with transaction(self.engine, writes) as connection:
                    yield SqliteExecutor(connection)

    @contextlib.contextmanager
    def _current_schema(self) -> Iterator[None]:
        self.schema.ensure()
        try:
            yield
        except StoreUnavailable as error:
            if concerns_schema(error.__cause__):
                self.schema.invalidate()
            raise

    def _check_schema(self) -> None:
        migrate(self.engine)
        with transaction(self.engine) as connection:
            require_privileges(connection)
