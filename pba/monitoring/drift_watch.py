"""Watching scored forecasts for drift, link by link and mode by mode; alarms become events."""

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
"""The kind of the events that tell of links' alarms."""

_REBUILT_FROM = 400
_MODE_REBUILT_FROM = 2000
_MOST_LINKS = 5000


def mode_drift(mode: NetworkMode) -> str:
    """Return the kind of the events that tell of a mode's alarms.

    >>> mode_drift(NetworkMode.INTERNET)
    'drift:internet'
    """
    return f"{DRIFT}:{mode}"


def open_alarms(store: Store) -> list[dict[str, Any]]:
    """Return the alarms that are open, those of modes first; as `GET /v1/drift` tells them."""
    told = [
        {"link_id": None, "mode": mode.value, **one.body}
        for mode in NetworkMode
        for one in store.events(mode_drift(mode), count=1)
    ]
    links = store.alarms(DRIFT)
    told += [{"link_id": one.link_id, "mode": None, **one.body} for one in links]
    return [one for one in told if one["ended_s"] is None]


class LinkDriftWatch:
    """Watches the outcomes one step ahead of every link, and puts alarms among the events.

    A link's detector is rebuilt from the store when the link is first seen, or seen again after
    5000 others, so nothing that was told is told twice and nothing new is missed.

    Parameters
    ----------
    store
        Holds outcomes and events.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._detectors: OrderedDict[str, DriftDetector] = OrderedDict()
        self._seen_us: dict[str, int] = {}

    def watch(self, link_id: str, outcomes: Sequence[Outcome]) -> list[Event]:
        """Take in a link's new outcomes, which are stored already; return what is news."""
        new = [one for one in outcomes if one.at == 0 and one.pending.served]
        if not new:
            return []
        if link_id in self._detectors:
            self._detectors.move_to_end(link_id)
            rows = [(one.at_us, one.actual_mbps, one.forecast_mbps, one.hit) for one in new]
        else:
            self._begin(link_id)
            rows = self._store.recent_outcomes(link_id, _REBUILT_FROM)
        alarms = [alarm for row in rows if (alarm := self._feed(link_id, *row))]
        told = [
            Event(DRIFT, alarm.ended_s or alarm.flagged_s, link_id, alarm.as_dict())
            for alarm in alarms
        ]
        if told:
            self._store.add_events(told)
        return told

    def _begin(self, link_id: str) -> None:
        last = self._store.events(DRIFT, link_id, count=1)
        held = Alarm.from_dict(last[0].body) if last else None
        self._detectors[link_id] = DriftDetector(held)
        self._seen_us[link_id] = -1
        if len(self._detectors) > _MOST_LINKS:
            forgotten, _ = self._detectors.popitem(last=False)
            del self._seen_us[forgotten]

    def _feed(
        self, link_id: str, at_us: int, actual_mbps: float, forecast_mbps: float, hit: bool
    ) -> Alarm | None:
        if at_us <= self._seen_us[link_id]:  # another version's forecast of the same moment
            return None
        self._seen_us[link_id] = at_us
        scored = LinkOutcome(at_us / 1e6, actual_mbps, forecast_mbps, hit)
        return self._detectors[link_id].update(scored)


class ModeDriftWatch:
    """Watches the outcomes one step ahead of all links, mode by mode, beside what was said of them.

    A mode's detector is rebuilt from the store when its first outcome is seen. Forecasts of models
    alone count: a rule speaks where a link is new or a model is away, which is no change of either.
    Those are v3's, whoever answers for the link: v1 is not what is retrained.

    Parameters
    ----------
    store
        Holds outcomes and events.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._detectors: dict[NetworkMode, ModeDriftDetector] = {}

    def watch(self, outcomes: Iterable[Outcome]) -> list[Event]:
        """Take in new outcomes of any links, which are stored already; return what is news."""
        by_mode: dict[NetworkMode, list[Outcome]] = {}
        for one in outcomes:
            if one.at == 0 and one.pending.version and one.pending.arm is Arm.V3:
                by_mode.setdefault(NetworkMode(one.pending.mode), []).append(one)
        told = [event for mode, new in by_mode.items() for event in self._watch(mode, new)]
        if told:
            self._store.add_events(told)
        return told

    def _watch(self, mode: NetworkMode, new: list[Outcome]) -> list[Event]:
        if mode not in self._detectors:
            last = self._store.events(mode_drift(mode), count=1)
            held = Alarm.from_dict(last[0].body) if last else None
            self._detectors[mode] = ModeDriftDetector(held)
            new = self._store.recent_of_mode(mode, _MODE_REBUILT_FROM)
        new.sort(key=lambda one: one.pending.number)
        alarms = [alarm for one in new if (alarm := self._detectors[mode].update(_said(one)))]
        kind = mode_drift(mode)
        return [
            Event(kind, alarm.ended_s or alarm.flagged_s, None, alarm.as_dict()) for alarm in alarms
        ]


def _said(one: Outcome) -> ModeOutcome:
    return ModeOutcome(
        one.pending.made_us / 1e6,
        one.actual_mbps,
        one.forecast_mbps,
        *one.quartiles_mbps,
        one.confidence,
        one.hit,
    )
