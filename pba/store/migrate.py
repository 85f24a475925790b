"""Bringing a database to the present schema."""

import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from pba.store.engine import locked, writing
from pba.store.tables import metadata

__all__ = ["migrate"]

# Alembic's `op` is one for the whole process: two stores at once would get each other's tables.
_one_at_a_time = threading.Lock()


def migrate(engine: Engine) -> None:
    """Create or upgrade the tables; of several processes at once, one does it and the others wait.

    Raises
    ------
    StoreUnavailable
        Where the database is away.
    """
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    steps = ScriptDirectory(str(Path(__file__).parent / "migrations"))

    def to_head(revision: Any, _: Any) -> Any:
        return steps._upgrade_revs("head", revision)

    with _one_at_a_time, locked(engine), writing(engine) as connection:
        context = EnvironmentContext(Config(), steps, fn=to_head)
        with context:
            context.configure(connection=connection, target_metadata=metadata)
            context.run_migrations()
