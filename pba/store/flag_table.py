"""The flags in the database: one row, and a version number that guards against lost updates."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from pba.errors import Conflict, StoreUnavailable
from pba.rollout import Flags
from pba.security import Author
from pba.security.audit_chain import AuditEntry
from pba.store.audit_table import append_entries
from pba.store.event_log import add_events
from pba.store.statements import insert_into, to_micros
from pba.store.tables import flags as table
from pba.store.verdict_blocks import start_blocks
from pba.types import Event, rfc3339_of

__all__ = ["FLAGS_CHANGED", "FlagChange", "FlagState", "change_flags", "flag_state", "flags_of"]

FLAGS_CHANGED = "flags_changed"
"""The kind of the event that records a change of flags."""

_ROW = 1


@dataclass(frozen=True, slots=True)
class FlagState:
    """The flags that apply, and their last change.

    Parameters
    ----------
    version
        How often they were changed, from 0.
    changed_s, changed_by
        Unix seconds and author of the last change; None before the first.
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


@dataclass(frozen=True, slots=True)
class FlagChange:
    """A requested change.

    Parameters
    ----------
    changes
        The new values, by the flags' names.
    version
        The version that the author has read.
    author
        Who makes it.
    details
        What else to put into the event and the audit.
    """

    changes: Mapping[str, Any]
    version: int
    author: Author
    details: Mapping[str, Any]


def flag_state(connection: Connection, default: Flags) -> FlagState:
    """Return the flags; ``default`` before their first change, and for flags added since.

    Raises
    ------
    StoreUnavailable
        Where the row is not this release's.
    """
    columns = (table.c.version, table.c.changed_us, table.c.changed_by, table.c.body)
    return flags_of(connection.execute(select(*columns)).one_or_none(), default)


def flags_of(row: Sequence[Any] | None, default: Flags) -> FlagState:
    """Return the flags in a row (version, time, author and flags) as `flag_state` does."""
    if row is None:
        return FlagState(default)
    version, changed_us, changed_by, body = row
    try:
        stored = json.loads(body)
        flags = default.changed(
            {name: stored[name] for name in default.as_dict() if name in stored}
        )
    except (ValueError, TypeError) as error:
        raise StoreUnavailable(
            f"the telemetry store is away: its flags cannot be read ({error}). Another release or "
            "program has written them: correct or delete the row of the table flags."
        ) from error
    return FlagState(flags, version, changed_us / 1e6, changed_by)


def change_flags(
    connection: Connection, default: Flags, change: FlagChange, now_s: float, block_us: int
) -> FlagState:
    """Change some flags, record the change in events and audit, and return the new state.

    The comparison of the arms begins anew, in blocks of ``block_us``.

    Raises
    ------
    Conflict
        If the flags were changed since the author read them.
    InvalidRequest
        For an unknown flag or an invalid value.
    """
    before = flag_state(connection, default)
    flags = before.flags.changed(change.changes)
    after = FlagState(flags, change.version + 1, now_s, change.author.who)
    if before.version != change.version or not _replace(connection, after):
        current = flag_state(connection, default).version
        raise Conflict(
            f"version is {change.version}; the flags are at {current}. Read them again, and send "
            "your change with that version.",
            "version",
        )
    details = _details(before, after, change)
    body = {"who": change.author.who, **details}
    add_events(connection, [Event(FLAGS_CHANGED, now_s, None, body)])
    entry = AuditEntry(change.author, FLAGS_CHANGED, "flags", details)
    append_entries(connection, [entry], to_micros(now_s))
    start_blocks(connection, to_micros(now_s), block_us)
    return after


def _details(before: FlagState, after: FlagState, change: FlagChange) -> dict[str, Any]:
    old, new = before.flags.as_dict(), after.flags.as_dict()
    changed = {
        name: {"before": old[name], "after": new[name]} for name in new if old[name] != new[name]
    }
    return {"version": after.version, "changed": changed, **change.details}


def _replace(connection: Connection, state: FlagState) -> bool:
    """Replace the version before ``state`` by it; return whether that version was current."""
    row = {
        "version": state.version,
        "changed_us": to_micros(state.changed_s or 0.0),
        "changed_by": state.changed_by,
        "body": json.dumps(state.flags.as_dict()),
    }
    if state.version > 1:
        query = update(table).where(table.c.id == _ROW, table.c.version == state.version - 1)
        return bool(connection.execute(query.values(**row)).rowcount)
    insert = insert_into(connection, table).values(id=_ROW, **row).on_conflict_do_nothing()
    return connection.execute(insert.returning(table.c.id)).scalar() is not None
