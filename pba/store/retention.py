"""Deleting rows that are older than the retention, in small transactions."""

from typing import Any

from sqlalchemy import Connection, delete, select

from pba.store.old_tables import (
    old_forecasts as forecasts,
    old_outcomes as outcomes,
    old_records as records,
)
from pba.store.statements import lock_link
from pba.store.tables import events, links, samples

__all__ = ["delete_link", "trim_events", "trim_links"]

_MAX_ROWS = 5000
_MAX_LINKS = 200
_END_OF_TIME_US = 2**62


def delete_link(connection: Connection, link_id: str) -> bool:
    """Delete a link with all its rows; return whether it existed."""
    link = lock_link(connection, link_id)
    if link is None:
        return False
    _delete_all(connection, link)
    return True


def trim_links(connection: Connection, retention_us: int, now_us: int, after: str) -> str | None:
    """Trim the next links after ``after`` in the order of names.

    Samples, forecasts and outcomes are deleted where they are older than the link's newest sample
    by more than the retention. Links without a report for that long are deleted.

    Returns
    -------
    str or None
        ``after`` for the next call; None where no links follow.
    """
    query = select(links.c.id, links.c.link_id, links.c.newest_us, links.c.heard_us)
    query = query.where(links.c.link_id > after).order_by(links.c.link_id).limit(_MAX_LINKS)
    rows = connection.execute(query).all()
    budget = _MAX_ROWS
    for row in rows:
        silent = row.heard_us < now_us - retention_us
        before_us = _END_OF_TIME_US if silent else row.newest_us - retention_us
        budget -= _trim(connection, row.id, before_us, budget)
        if budget <= 0:
            return after  # the same links again: they may have more rows to delete
        if silent:
            _delete_all(connection, row.id)
    return rows[-1].link_id if len(rows) == _MAX_LINKS else None


def _trim(connection: Connection, link: int, before_us: int, count: int) -> int:
    """Delete up to about ``count`` rows of each kind of one link; return how many were deleted."""
    deleted = 0
    for table, time_us in (
        (samples, samples.c.at_us),
        (forecasts, forecasts.c.after_us),
        (outcomes, outcomes.c.at_us),
    ):
        deleted += _delete_oldest(connection, table, time_us, link, before_us, count)
    return deleted


def _delete_oldest(
    connection: Connection, table: Any, time_us: Any, link: int, before_us: int, count: int
) -> int:
    old = (table.c.link == link) & (time_us < before_us)
    query = select(time_us).where(old).order_by(time_us).offset(count).limit(1)
    until = connection.execute(query).scalar()
    if until is not None:
        old &= time_us < until
    return int(connection.execute(delete(table).where(old)).rowcount)


def trim_events(connection: Connection, before_us: int) -> None:
    """Delete events older than ``before_us`` (microseconds)."""
    connection.execute(delete(events).where(events.c.at_us < before_us))


def _delete_all(connection: Connection, link: int) -> None:
    for table in (samples, forecasts, outcomes, records):
        connection.execute(delete(table).where(table.c.link == link))
    connection.execute(delete(links).where(links.c.id == link))
