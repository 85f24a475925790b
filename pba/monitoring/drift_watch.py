"""Drift watches: scored forecasts pass through drift detectors, and alarms become events."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

from pba.monitoring.drift import Alarm, DriftDetector, LinkOutcome, ModeDriftDetector, ModeOutcome
from pba.rollout import Arm
from pba.scoring import Outcome
from pba.store import Store
from pba.types import Event, NetworkMode

__all__ = ["DRIFT", "LinkDriftWatch", "ModeDriftWatch", "mode_drift", "open_alarms"]

DRIFT = "drift"
"""The kind of the events for alarms of links."""

_LINK_REPLAY = 400  # outcomes from which a detector is rebuilt
_MODE_REPLAY = 2000  # outcomes
_MAX_LINKS = 5000


def mode_drift(mode: NetworkMode) -> str:
    """Return the kind of the events for alarms of a mode.

    >>> mode_drift(NetworkMode.INTERNET)
    'drift:internet'
    """
    return f"{DRIFT}:{mode}"


def open_alarms(store: Store) -> list[dict[str, Any]]:
    """Return the open alarms in the wire form of `GET /v1/drift`, those of modes first."""
    alarms = [
        {"link_id": None, "mode": mode.value, **event.body}
        for mode in NetworkMode
        for event in store.events(mode_drift(mode), count=1)
    ]
    alarms += [
        {"link_id": event.link_id, "mode": None, **event.body}
        for event in store.newest_link_events(DRIFT)
    ]
    return [alarm for alarm in alarms if alarm["ended_s"] is None]


class LinkDriftWatch:
    """Watches each link's outcomes one step ahead, and stores alarms as events.

    A link's detector is rebuilt from stored outcomes when the link first appears, or reappears
    after 5000 others. So no alarm is reported twice, and none is missed.

    Parameters
    ----------
    store
        Outcomes and events.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._detectors: OrderedDict[str, DriftDetector] = OrderedDict()
        self._seen_us: dict[str, int] = {}

    def watch(self, link_id: str, outcomes: Sequence[Outcome]) -> list[Event]:
        """Process a link's new outcomes, which are stored already; return the new events."""
        new = [one for one in outcomes if one.horizon == 0 and one.forecast.served]
        if not new:
            return []
        if link_id in self._detectors:
            self._detectors.move_to_end(link_id)
            rows = [(one.at_us, one.actual_mbps, one.forecast_mbps, one.hit) for one in new]
        else:
            self._add_detector(link_id)
            rows = self._store.recent_outcomes(link_id, _LINK_REPLAY)
        alarms = [alarm for row in rows if (alarm := self._update(link_id, *row))]
        events = [_event(DRIFT, link_id, alarm) for alarm in alarms]
        if events:
            self._store.add_events(events)
        return events

    def _add_detector(self, link_id: str) -> None:
        self._detectors[link_id] = DriftDetector(_last_alarm(self._store, DRIFT, link_id))
        self._seen_us[link_id] = -1
        if len(self._detectors) > _MAX_LINKS:
            least_recent, _ = self._detectors.popitem(last=False)
            del self._seen_us[least_recent]

    def _update(
        self, link_id: str, at_us: int, actual_mbps: float, forecast_mbps: float, hit: bool
    ) -> Alarm | None:
        if at_us <= self._seen_us[link_id]:  # another version's forecast of the same sample
            return None
        self._seen_us[link_id] = at_us
        outcome = LinkOutcome(at_us / 1e6, actual_mbps, forecast_mbps, hit)
        return self._detectors[link_id].update(outcome)


class ModeDriftWatch:
    """Watches the outcomes one step ahead of all links of a mode, and stores alarms as events.

    A mode's detector is rebuilt from stored outcomes when the mode first appears. Only forecasts of
    v3's models count, whichever arm serves the link: heuristics predict where a link is new or a
    model is not available, which is not drift, and v1 is not retrained.

    Parameters
    ----------
    store
        Outcomes and events.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._detectors: dict[NetworkMode, ModeDriftDetector] = {}

    def watch(self, outcomes: Iterable[Outcome]) -> list[Event]:
        """Process new outcomes of any links, which are stored already; return the new events."""
        by_mode: dict[NetworkMode, list[Outcome]] = {}
        for outcome in outcomes:
            forecast = outcome.forecast
            if outcome.horizon == 0 and forecast.version and forecast.arm is Arm.V3:
                by_mode.setdefault(NetworkMode(forecast.mode), []).append(outcome)
        events = [event for mode, new in by_mode.items() for event in self._watch(mode, new)]
        if events:
            self._store.add_events(events)
        return events

    def _watch(self, mode: NetworkMode, new: list[Outcome]) -> list[Event]:
        kind = mode_drift(mode)
        if mode not in self._detectors:
            self._detectors[mode] = ModeDriftDetector(_last_alarm(self._store, kind))
            new = self._store.recent_mode_outcomes(mode, _MODE_REPLAY)
        new.sort(key=lambda outcome: outcome.forecast.id)
        detector = self._detectors[mode]
        alarms = [alarm for one in new if (alarm := detector.update(_mode_outcome(one)))]
        return [_event(kind, None, alarm) for alarm in alarms]


def _last_alarm(store: Store, kind: str, link_id: str | None = None) -> Alarm | None:
    events = store.events(kind, link_id, count=1)
    return Alarm.from_dict(events[0].body) if events else None


def _event(kind: str, link_id: str | None, alarm: Alarm) -> Event:
    return Event(kind, alarm.ended_s or alarm.flagged_s, link_id, alarm.as_dict())


def _mode_outcome(outcome: Outcome) -> ModeOutcome:
    return ModeOutcome(
        outcome.forecast.created_us / 1e6,
        outcome.actual_mbps,
        outcome.forecast_mbps,
        *outcome.quartiles_mbps,
        outcome.confidence,
        outcome.hit,
    )
