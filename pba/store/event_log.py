"""The log of events: mode switches, alarms, promotions, changes of flags."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, text

from pba.security import EVERYTHING, Scope
from pba.store.scope_filter import in_scope
from pba.store.statements import to_micros
from pba.store.tables import events as table
from pba.types import Event

__all__ = [
    "add_events",
    "check_writable",
    "event_rows",
    "events",
    "events_after",
    "newest_event",
    "newest_link_events",
    "open_link_alarms",
]

_PROBE_BYTES = 16_384  # some pages of the database

# The condition is that of the partial index, word for word.
_OPEN_ALARMS = text(
    """
    SELECT e.id, e.at_us, e.kind, e.link_id, e.body
      FROM link_records AS r
      JOIN links AS l ON l.id = r.link
      JOIN events AS e ON e.id = (
               SELECT max(own.id) FROM events AS own
                WHERE own.link_id = l.link_id AND own.kind = :kind)
     WHERE r."alarm"
     LIMIT :count
    """
)


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
    connection: Connection,
    kind: str | None,
    link_id: str | None,
    before: int | None,
    count: int,
    scope: Scope = EVERYTHING,
) -> list[Event]:
    """Return up to ``count`` events with numbers below ``before``, newest first.

    Of a ``scope`` that is not everything only events of its links.
    """
    query = select(table).order_by(table.c.id.desc()).limit(count)
    for column, value in ((table.c.kind, kind), (table.c.link_id, link_id)):
        query = query if value is None else query.where(column == value)
    query = query if before is None else query.where(table.c.id < before)
    if not scope.everything:
        query = query.where(in_scope(table.c.link_id, scope))
    return [_event(row) for row in connection.execute(query)]


def events_after(connection: Connection, number: int, count: int) -> list[Event]:
    """Return up to ``count`` events with numbers above ``number``, in their order."""
    query = select(table).where(table.c.id > number).order_by(table.c.id).limit(count)
    return [_event(row) for row in connection.execute(query)]


def newest_event(connection: Connection) -> int:
    """Return the number of the newest event, 0 if there is none."""
    return int(connection.execute(select(func.max(table.c.id))).scalar() or 0)


def newest_link_events(connection: Connection, kind: str, count: int) -> list[Event]:
    """Return the newest event of each link among the newest ``count`` of ``kind``, by names."""
    newest: dict[str, Event] = {}
    for event in events(connection, kind, None, None, count):
        newest.setdefault(event.link_id or "", event)
    return [newest[link_id] for link_id in sorted(newest)]


def open_link_alarms(connection: Connection, kind: str, count: int) -> list[Event]:
    """Return the newest event of ``kind`` of up to ``count`` links with an open alarm, by names."""
    rows = connection.execute(_OPEN_ALARMS, {"kind": kind, "count": count})
    return sorted(map(_event, rows), key=lambda event: event.link_id or "")


def check_writable(connection: Connection, now_us: int) -> None:
    """Write a row that may not fit into the pages in use, and delete it again.

    The database raises here if it is read-only or its disk is full.
    """
    row = {"at_us": now_us, "kind": "room", "body": "x" * _PROBE_BYTES}
    connection.execute(table.insert(), row)
    connection.execute(delete(table).where(table.c.kind == "room"))


def _event(row: Row[Any]) -> Event:
    return Event(row.kind, row.at_us / 1e6, row.link_id, json.loads(row.body), row.id)
