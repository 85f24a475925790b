"""Upgrading a database to the current schema."""

import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from pba.store.engine import schema_lock, write_transaction
from pba.store.tables import metadata

__all__ = ["migrate"]

# Alembic's `op` is global: two stores that migrate at once would mix up their databases.
_lock = threading.Lock()


def migrate(engine: Engine) -> None:
    """Create or upgrade the tables; other processes that call this meanwhile wait.

    Raises
    ------
    StoreUnavailable
        Where the database does not respond.
    """
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(__file__).parent / "migrations"))

    def to_head(revision: Any, _: Any) -> Any:
        return scripts._upgrade_revs("head", revision)

    with _lock, schema_lock(engine), write_transaction(engine) as connection:
        context = EnvironmentContext(Config(), scripts, fn=to_head)
        with context:
            context.configure(connection=connection, target_metadata=metadata)
            context.run_migrations()
