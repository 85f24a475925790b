"""The log of events: mode switches, alarms, promotions, changes of flags."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from pba.store.statements import to_micros
from pba.store.tables import events as table
from pba.types import Event

__all__ = ["add_events", "check_writable", "event_rows", "events", "newest_link_events"]

_PROBE_BYTES = 16_384  # some pages of the database


def add_events(connection: Connection, events: Sequence[Event]) -> None:
    """Append events to the log."""
    if events:
        connection.execute(table.insert(), event_rows(events))


def event_rows(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Return the rows of `pba.store.tables.events` for ``events``."""
    return [
        {
            "at_us": to_micros(event.at_s),
            "kind": event.kind,
            "link_id": event.link_id,
            "body": event.text,
        }
        for event in events
    ]


def events(
    connection: Connection, kind: str | None, link_id: str | None, before: int | None, count: int
) -> list[Event]:
    """Return up to ``count`` events with numbers below ``before``, newest first."""
    query = select(table).order_by(table.c.id.desc()).limit(count)
    for column, value in ((table.c.kind, kind), (table.c.link_id, link_id)):
        query = query if value is None else query.where(column == value)
    query = query if before is None else query.where(table.c.id < before)
    return [_event(row) for row in connection.execute(query)]


def newest_link_events(connection: Connection, kind: str) -> list[Event]:
    """Return each link's newest event of ``kind``, in the order of the links' names."""
    newest = select(func.max(table.c.id)).where(table.c.kind == kind).group_by(table.c.link_id)
    query = select(table).where(table.c.id.in_(newest)).order_by(table.c.link_id)
    return [_event(row) for row in connection.execute(query)]


def check_writable(connection: Connection, now_us: int) -> None:
    """Write a row that may not fit into the pages in use, and delete it again.

    The database raises here if it is read-only or its disk is full.
    """
    row = {"at_us": now_us, "kind": "room", "body": "x" * _PROBE_BYTES}
    connection.execute(table.insert(), row)
    connection.execute(delete(table).where(table.c.kind == "room"))


def _event(row: Row[Any]) -> Event:
    return Event(row.kind, row.at_us / 1e6, row.link_id, json.loads(row.body), row.id)
