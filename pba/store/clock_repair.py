"""Removing samples of a reporter's clock that was ahead, once it is set right.

Their times are wrong by an unknown amount. As long as they are the newest, every true sample would
count as late and the link's forecasts would rest on them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from pba.store.event_log import add_events
from pba.store.tables import events, forecasts, outcomes, samples
from pba.telemetry.clocks import TOLERANCE_US, was_set_back
from pba.types import Event, rfc3339_of

__all__ = ["CLOCK_SET_BACK", "remove_samples_ahead"]

CLOCK_SET_BACK = "clock_set_back"
"""The kind of the event that names what was removed."""

_RECENT_EVENTS = 1000  # of all links: an event of this link among them is not repeated


def remove_samples_ahead(
    connection: Connection, rows: Sequence[Row[Any]], reported_us: Mapping[int, int], now_us: int
) -> dict[int, int]:
    """Remove the samples ahead of ``now_us`` of links whose clock was set back.

    Forecasts from these samples and their outcomes go too. The links are locked by the caller.

    Parameters
    ----------
    rows
        Of the table `links`.
    reported_us
        The time of the newest sample in the report of each link's key.

    Returns
    -------
    dict
        The time of the newest sample left of each such link's key, 0 if none is.
    """
    newest = {
        row.id: _remove(connection, row, now_us)
        for row in rows
        if row.id in reported_us and was_set_back(row.newest_us, reported_us[row.id], now_us)
    }
    return newest


def _remove(connection: Connection, link: Row[Any], now_us: int) -> int:
    """Remove a link's samples ahead of now; return the time of the newest one left."""
    latest_us = now_us + TOLERANCE_US
    ahead = (samples.c.link == link.id) & (samples.c.at_us > latest_us)
    first_us, count = connection.execute(
        select(func.min(samples.c.at_us), func.count()).where(ahead)
    ).one()
    connection.execute(delete(samples).where(ahead))
    wrong = (forecasts.c.link == link.id) & (forecasts.c.after_us > latest_us)
    keys = select(forecasts.c.id).where(wrong)
    connection.execute(delete(outcomes).where(outcomes.c.forecast.in_(keys)))
    connection.execute(delete(forecasts).where(wrong))
    if count and not _has_event(connection, link.link_id):
        body = {
            "removed": count,
            "from": rfc3339_of(first_us / 1e6),
            "to": rfc3339_of(link.newest_us / 1e6),
        }
        add_events(connection, [Event(CLOCK_SET_BACK, now_us / 1e6, link.link_id, body)])
    newest = select(func.max(samples.c.at_us)).where(samples.c.link == link.id)
    return connection.execute(newest).scalar() or 0


def _has_event(connection: Connection, link_id: str) -> bool:
    """Return whether one of the newest events says this of the link already."""
    newest = select(func.max(events.c.id)).scalar_subquery()
    query = select(events.c.id).where(
        events.c.id > newest - _RECENT_EVENTS,
        events.c.kind == CLOCK_SET_BACK,
        events.c.link_id == link_id,
    )
    return connection.execute(query.limit(1)).first() is not None
