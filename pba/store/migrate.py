"""Upgrading a database to the current schema."""

import contextlib
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text

from pba.errors import StoreUnavailable
from pba.store.engine import transaction
from pba.store.tables import metadata

__all__ = ["migrate"]

# Alembic's `op` is global: two stores that migrate at once would mix up their databases.
_lock = threading.Lock()

_MIGRATIONS = Path(__file__).parent / "migrations"
_VERSIONS = "alembic_version"
_SCHEMA_LOCK = 7_221_433  # no other program's advisory lock in this database has the number


def migrate(engine: Engine) -> None:
    """Create or upgrade the tables; other processes that call this meanwhile wait.

    Raises
    ------
    StoreUnavailable
        Where the database does not respond, refuses, or has tables of another program or release.
    """
    with _file_lock(engine):
        with transaction(engine) as connection:
            if _revisions(connection) == {_scripts().get_current_head()}:
                return  # which needs no privilege to write
        with _lock, transaction(engine, writes=True) as connection:
            _lock_schema(connection)
            _require_known(_revisions(connection))
            _upgrade(connection)


@cache
def _scripts() -> Any:
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(_MIGRATIONS))


def _revisions(connection: Connection) -> set[str]:
    """Return the revisions that the database names; empty for a new one."""
    if not inspect(connection).has_table(_VERSIONS):
        return set()
    return set(connection.execute(text(f"SELECT version_num FROM {_VERSIONS}")).scalars())


def _require_known(revisions: set[str]) -> None:
    known = {script.revision for script in _scripts().walk_revisions()}
    if unknown := revisions - known:
        raise StoreUnavailable(
            f"the telemetry store is away: its schema is at {min(unknown)!r}, and this release "
            f"knows {', '.join(sorted(known))}. A newer release or another program has created it: "
            "run that release, or set PBA_STORE_URL to another database."
        )


def _upgrade(connection: Connection) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext

    def to_head(revision: Any, _: Any) -> Any:
        return _scripts()._upgrade_revs("head", revision)

    with EnvironmentContext(Config(), _scripts(), fn=to_head) as context:
        context.configure(connection=connection, target_metadata=metadata)
        context.run_migrations()


def _lock_schema(connection: Connection) -> None:
    """Lock the schema of a PostgreSQL database until the end of the transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))  # of a large table, say


@contextlib.contextmanager
def _file_lock(engine: Engine) -> Iterator[None]:
    """Lock a SQLite file while it is created, when SQLite itself does not wait for others."""
    if engine.dialect.name != "sqlite":
        yield
        return
    import fcntl

    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # where nothing can be written nobody creates the file
            file = stack.enter_context(Path(f"{engine.url.database}.lock").open("w"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
