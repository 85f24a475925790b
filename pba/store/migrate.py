"""Upgrading a database to the current schema, while replicas of the release before go on.

A release adds tables, moves rows into them while it runs, and leaves it to the next release to drop
what is no longer used. So a schema serves more than one release: the table `schema_releases` lists
their revisions, and a release uses a schema that is newer than its own if it is listed. Replicas of
releases up to `v2` look into alembic_version instead, which therefore stays at `v2`.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, select, text

from pba.errors import StoreUnavailable
from pba.private_files import create_private_file
from pba.store.engine import transaction
from pba.store.partitions import lift_timeouts
from pba.store.tables import metadata, schema_releases

__all__ = ["migrate"]

# Alembic's `op` is global: two stores that migrate at once would mix up their databases.
_lock = threading.Lock()

_MIGRATIONS = Path(__file__).parent / "migrations"
_VERSIONS = "schema_version"
_OLD_VERSIONS = "alembic_version"
_LAST_OLD = "v2"
_IDLE_MS = 60_000  # Alembic works between the statements, on a busy machine for long
_SCHEMA_LOCK = 7_221_433  # no other program's advisory lock in this database has the number


def migrate(engine: Engine) -> None:
    """Create or upgrade the tables; other processes that call this meanwhile wait.

    Raises
    ------
    StoreUnavailable
        Where the database does not respond, refuses, or has tables of another program or release.
    """
    head = _scripts().get_current_head()  # its import takes a while: not in a transaction
    with _file_lock(engine):
        with transaction(engine) as connection:
            if _is_usable(connection, head):
                return  # which needs no privilege to write
        with _lock, transaction(engine, writes=True) as connection:
            _lock_schema(connection)
            if not _is_usable(connection, head):
                _require_known(_revisions(connection))
                _upgrade(connection)


@cache
def _scripts() -> Any:
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(_MIGRATIONS))


def _is_usable(connection: Connection, head: str | None) -> bool:
    """Return whether the schema is at ``head``, this release's, or a newer one that serves it."""
    if _revisions(connection) == {head}:
        return True
    if not inspect(connection).has_table(schema_releases.name):
        return False
    query = select(schema_releases).where(schema_releases.c.revision == head)
    return connection.execute(query).first() is not None


def _revisions(connection: Connection) -> set[str]:
    """Return the revisions that the database names; empty for a new one."""
    for table in (_VERSIONS, _OLD_VERSIONS):
        if inspect(connection).has_table(table):
            return set(connection.execute(text(f"SELECT version_num FROM {table}")).scalars())
    return set()


def _require_known(revisions: set[str]) -> None:
    known = [script.revision for script in reversed([*_scripts().walk_revisions()])]
    if unknown := revisions.difference(known):
        raise StoreUnavailable(
            f"the telemetry store is away: its schema is at {min(unknown)!r}, and this release "
            f"knows {', '.join(known)}. A newer release or another program has created it: "
            "run that release, or set PBA_STORE_URL to another database."
        )


def _upgrade(connection: Connection) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext

    scripts = _scripts()

    def to(target: str) -> Callable[[Any, Any], Any]:
        return lambda revision, _: scripts._upgrade_revs(target, revision)

    targets = [(_VERSIONS, "head")]
    if not inspect(connection).has_table(_VERSIONS):
        targets.insert(0, (_OLD_VERSIONS, _LAST_OLD))
    for version_table, target in targets:
        with EnvironmentContext(Config(), scripts, fn=to(target)) as context:
            context.configure(
                connection=connection, target_metadata=metadata, version_table=version_table
            )
            if version_table == _VERSIONS and len(targets) > 1:
                context.get_context().stamp(scripts, _LAST_OLD)
            context.run_migrations()


def _lock_schema(connection: Connection) -> None:
    """Lock the schema of a PostgreSQL database until the end of the transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})"))
        lift_timeouts(connection)  # of a large table, say
        connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = {_IDLE_MS}"))


@contextlib.contextmanager
def _file_lock(engine: Engine) -> Iterator[None]:
    """Lock a SQLite file while it is created, when SQLite itself does not wait for others."""
    if engine.dialect.name != "sqlite":
        yield
        return
    import fcntl

    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # where nothing can be written nobody creates the file
            path = Path(f"{engine.url.database}.lock")
            create_private_file(path)
            file = stack.enter_context(path.open("w"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
