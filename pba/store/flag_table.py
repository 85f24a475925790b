"""The flags in the store: one row, changed only by who knows what it holds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from pba.errors import Conflict
from pba.rollout import Flags
from pba.store.rows import micros
from pba.store.sample_writes import add_events
from pba.store.tables import flags as table
from pba.types import Event, rfc3339_of

__all__ = ["FLAGS_CHANGED", "FlagState", "change", "read"]

FLAGS_CHANGED = "flags_changed"
"""The kind of the events that tell of a change."""

_ROW = 1


@dataclass(frozen=True, slots=True)
class FlagState:
    """The flags as they stand.

    Parameters
    ----------
    flags
        What holds.
    version
        How often they were changed; 0 where they never were.
    changed_s, changed_by
        When and by whom; None where they never were.
    """

    flags: Flags
    version: int = 0
    changed_s: float | None = None
    changed_by: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the wire form."""
        return {
            "version": self.version,
            "flags": self.flags.as_dict(),
            "changed_at": None if self.changed_s is None else rfc3339_of(self.changed_s),
            "changed_by": self.changed_by,
        }


def read(connection: Connection, default: Flags) -> FlagState:
    """Return the flags, ``default`` until they were changed for the first time."""
    row = connection.execute(select(table)).one_or_none()
    if row is None:
        return FlagState(default)
    held = json.loads(row.body)
    known = {name: held[name] for name in default.as_dict() if name in held}
    return FlagState(default.changed(known), row.version, row.changed_us / 1e6, row.changed_by)


def change(
    connection: Connection,
    default: Flags,
    changes: Mapping[str, Any],
    version: int,
    who: str,
    now_s: float,
    told: Mapping[str, Any],
) -> FlagState:
    """Change some flags and put that, with ``told``, among the events; return what holds then.

    Raises
    ------
    Conflict
        If ``version`` is not that of the flags any more: somebody has changed them since.
    InvalidRequest
        For an unknown flag or a value that it cannot have.
    """
    before = read(connection, default)
    after = FlagState(before.flags.changed(changes), version + 1, now_s, who)
    if before.version != version or not _write(connection, after):
        held = read(connection, default).version
        raise Conflict(
            f"version is {version}; the flags are at {held}. Read them again, and send your change "
            "with that version.",
            "version",
        )
    was, now = before.flags.as_dict(), after.flags.as_dict()
    changed = {
        name: {"before": was[name], "after": now[name]} for name in now if was[name] != now[name]
    }
    body = {"who": who, "version": after.version, "changed": changed, **told}
    add_events(connection, [Event(FLAGS_CHANGED, now_s, None, body)])
    return after


def _write(connection: Connection, held: FlagState) -> bool:
    """Put ``held`` in the place of the version before; return whether that was there."""
    row = {
        "version": held.version,
        "changed_us": micros(held.changed_s or 0.0),
        "changed_by": held.changed_by,
        "body": json.dumps(held.flags.as_dict()),
    }
    if held.version > 1:
        query = update(table).where(table.c.id == _ROW, table.c.version == held.version - 1)
        return bool(connection.execute(query.values(**row)).rowcount)
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(table).values(id=_ROW, **row).on_conflict_do_nothing()
    return connection.execute(insert.returning(table.c.id)).scalar() is not None
