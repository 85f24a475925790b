"""Forgetting: what is older than the retention goes, in small transactions."""

from typing import Any

from sqlalchemy import Connection, delete, select

from pba.store.tables import events, forecasts, links, outcomes, records, samples

__all__ = ["delete_link", "trim_events", "trim_links"]

_MOST_ROWS = 5000
_MOST_LINKS = 200
_NEVER = 2**62


def delete_link(connection: Connection, link_id: str) -> bool:
    """Remove a link and all that is known of it; return whether there was one."""
    query = select(links.c.id).where(links.c.link_id == link_id).with_for_update()
    link = connection.execute(query).scalar()
    if link is None:
        return False
    _forget(connection, link)
    return True


def trim_links(connection: Connection, retention_us: int, now_us: int, after: str) -> str | None:
    """Trim the next links after ``after`` in the order of names; return where to go on, or None.

    A link's samples, forecasts and outcomes go when they are older than its newest sample by the
    retention; links that were not heard of for as long go altogether.
    """
    query = select(links.c.id, links.c.link_id, links.c.newest_us, links.c.heard_us)
    query = query.where(links.c.link_id > after).order_by(links.c.link_id).limit(_MOST_LINKS)
    rows = connection.execute(query).all()
    left = _MOST_ROWS
    for row in rows:
        silent = row.heard_us < now_us - retention_us
        left -= _trim(connection, row.id, _NEVER if silent else row.newest_us - retention_us, left)
        if left <= 0:
            return after  # the same links once more: there may be more of the same
        if silent:
            _forget(connection, row.id)
    return rows[-1].link_id if len(rows) == _MOST_LINKS else None


def _trim(connection: Connection, link: int, before_us: int, most: int) -> int:
    """Delete up to about ``most`` rows of one link; return how many."""
    gone = 0
    for table, moment in (
        (samples, samples.c.at_us),
        (forecasts, forecasts.c.after_us),
        (outcomes, outcomes.c.at_us),
    ):
        gone += _delete_oldest(connection, table, moment, link, before_us, most)
    return gone


def _delete_oldest(
    connection: Connection, table: Any, moment: Any, link: int, before_us: int, most: int
) -> int:
    old = (table.c.link == link) & (moment < before_us)
    query = select(moment).where(old).order_by(moment).offset(most).limit(1)
    until = connection.execute(query).scalar()
    if until is not None:
        old &= moment < until
    return int(connection.execute(delete(table).where(old)).rowcount)


def trim_events(connection: Connection, before_us: int) -> None:
    """Delete events from before ``before_us``."""
    connection.execute(delete(events).where(events.c.at_us < before_us))


def _forget(connection: Connection, link: int) -> None:
    for table in (samples, forecasts, outcomes, records):
        connection.execute(delete(table).where(table.c.link == link))
    connection.execute(delete(links).where(links.c.id == link))
