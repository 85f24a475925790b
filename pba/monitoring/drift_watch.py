"""Alarms of links and modes as events, and which of them are open."""

from typing import Any

from pba.monitoring.drift import Alarm
from pba.security import EVERYTHING, Scope
from pba.store import Store
from pba.types import Event, NetworkMode

__all__ = ["DRIFT", "alarm_event", "mode_drift", "open_alarms", "open_mode_alarms"]

DRIFT = "drift"
"""The kind of the events for alarms of links."""


def mode_drift(mode: NetworkMode) -> str:
    """Return the kind of the events for alarms of a mode.

    >>> mode_drift(NetworkMode.INTERNET)
    'drift:internet'
    """
    return f"{DRIFT}:{mode}"


def open_alarms(store: Store, scope: Scope = EVERYTHING) -> list[dict[str, Any]]:
    """Return the open alarms in the wire form of `GET /v1/drift`, those of modes first.

    Of the alarms of links there are at most 10 000. Of a ``scope`` that is not everything there are
    only those of its links.
    """
    alarms = open_mode_alarms(store) if scope.everything else []
    of_links = [
        {"link_id": event.link_id, "mode": None, **event.body}
        for event in store.open_link_alarms(DRIFT)
        if scope.allows(event.link_id or "")
    ]
    return alarms + [alarm for alarm in of_links if alarm["ended_s"] is None]


def open_mode_alarms(store: Store) -> list[dict[str, Any]]:
    """Return the open alarms of modes in the wire form of `GET /v1/drift`."""
    alarms = [
        {"link_id": None, "mode": mode.value, **event.body}
        for mode in NetworkMode
        for event in store.events(mode_drift(mode), count=1)
    ]
    return [alarm for alarm in alarms if alarm["ended_s"] is None]


def alarm_event(kind: str, link_id: str | None, alarm: Alarm) -> Event:
    """Return the event for an alarm that opened, changed or ended."""
    return Event(kind, alarm.ended_s or alarm.flagged_s, link_id, alarm.as_dict())
