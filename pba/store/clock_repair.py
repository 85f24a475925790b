"""Moving samples of a reporter's clock that was ahead, once it is set right.

As long as they are the newest, every true sample would count as late and the link's forecasts would
rest on them. How far the clock was ahead shows when the newest of them was reported.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from pba.store.event_log import add_events
from pba.store.old_tables import old_forecasts, old_outcomes
from pba.store.tables import events, forecasts, links, open_forecasts, pair_results, samples
from pba.store.transfer_tables import open_transfers
from pba.telemetry.clocks import TOLERANCE_US, was_set_back
from pba.types import Event, rfc3339_of

__all__ = ["CLOCK_SET_BACK", "move_samples_ahead"]

CLOCK_SET_BACK = "clock_set_back"
"""The kind of the event that names what was moved."""

_RECENT_EVENTS = 1000  # of all links: an event of this link among them is not repeated


def move_samples_ahead(
    connection: Connection, rows: Sequence[Row[Any]], reported_us: Mapping[int, int], now_us: int
) -> None:
    """Move the samples ahead of ``now_us`` of links whose clock was set back to when they came.

    They take the place of what is stored there: earlier samples of the same clock. Forecasts from
    samples ahead and their outcomes are removed. The links are locked by the caller.

    Parameters
    ----------
    rows
        Of the table `links`, as before the report.
    reported_us
        The time of the newest sample in the report of each link's key.
    """
    for row in rows:
        newest_us = reported_us.get(row.id)
        if newest_us is not None and was_set_back(row.newest_us, newest_us, now_us):
            _move(connection, row, newest_us, now_us)


def _move(connection: Connection, link: Row[Any], reported_us: int, now_us: int) -> None:
    """Move a link's samples ahead of now.

    They end when the newest of them was received, and before the newest one of the report: the
    clock of the router that received them may be ahead too.
    """
    latest_us = now_us + TOLERANCE_US
    offset_us = link.newest_us - min(link.heard_us, reported_us - 1)
    own = samples.c.link == link.id
    ahead = own & (samples.c.at_us > latest_us)
    first_us, count = connection.execute(
        select(func.min(samples.c.at_us), func.count()).where(ahead)
    ).one()
    replaced = samples.c.at_us.between(first_us - offset_us, latest_us)
    connection.execute(delete(samples).where(own & replaced))
    connection.execute(update(samples).where(ahead).values(at_us=samples.c.at_us - offset_us))
    newest = select(func.max(samples.c.at_us)).where(own).scalar_subquery()
    connection.execute(update(links).where(links.c.id == link.id).values(newest_us=newest))
    _delete_forecasts(connection, link.id, latest_us)
    if not _has_event(connection, link.link_id):
        body = {
            "moved": count,
            "seconds": offset_us / 1e6,
            "from": rfc3339_of(first_us / 1e6),
            "to": rfc3339_of(link.newest_us / 1e6),
        }
        add_events(connection, [Event(CLOCK_SET_BACK, now_us / 1e6, link.link_id, body)])


def _delete_forecasts(connection: Connection, link: int, latest_us: int) -> None:
    """Delete a link's forecasts and transfers from samples after ``latest_us``, and outcomes."""
    for table in (open_forecasts, forecasts, pair_results, open_transfers):
        wrong = (table.c.link == link) & (table.c.after_us > latest_us)
        connection.execute(delete(table).where(wrong))
    wrong = (old_forecasts.c.link == link) & (old_forecasts.c.after_us > latest_us)
    keys = select(old_forecasts.c.id).where(wrong)
    connection.execute(delete(old_outcomes).where(old_outcomes.c.forecast.in_(keys)))
    connection.execute(delete(old_forecasts).where(wrong))


def _has_event(connection: Connection, link_id: str) -> bool:
    """Return whether one of the newest events says this of the link already."""
    newest = select(func.max(events.c.id)).scalar_subquery()
    query = select(events.c.id).where(
        events.c.id > newest - _RECENT_EVENTS,
        events.c.kind == CLOCK_SET_BACK,
        events.c.link_id == link_id,
    )
    return connection.execute(query.limit(1)).first() is not None
