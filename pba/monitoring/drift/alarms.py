"""Alarms and the changes they report; docs/drift.md explains how to read them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

__all__ = ["Alarm", "AlarmStage", "Change", "WatchedStream"]


class WatchedStream(StrEnum):
    """The streams whose mean is watched.

    ``HITS`` is the share of forecasts in band, ``BIAS`` by how much forecasts are too high or too
    low, ``ERROR`` how far off they are in either direction, and ``LEVEL`` the bandwidth itself,
    because forecasts follow a link to a new level within a few samples.
    """

    HITS = "hits"
    BIAS = "bias"
    ERROR = "error"
    LEVEL = "level"


class AlarmStage(StrEnum):
    """Why an alarm is reported: it opened, another stream changed meanwhile, or it ended."""

    OPENED = "opened"
    CHANGED = "changed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one stream's mean.

    Parameters
    ----------
    what
        The stream whose mean changed.
    before, after
        The mean before and after. For a link: a share for ``hits``; the geometric mean of
        forecast / actual for ``bias`` (1.1: 10 % too high); the typical relative error for
        ``error``; the geometric mean in Mbps for ``level``. Rates are at least 0.01 Mbps; errors,
        and actuals relative to the median of the last five, are limited to a factor of e² (7.4).
        For a mode: the share in band minus the mean confidence for ``hits``; ``bias`` and ``error``
        in units of the predicted interquartile range, at most 4.
    since_s
        Unix seconds of the first outcome after the change, as estimated.
    flagged_s
        Unix seconds of the outcome at which it was detected.
    confidence
        1 minus the probability that an unchanged stream shows such a change at some place in the
        examined values (`pba.monitoring.drift.split_test.find_splits`). It holds for one stream at
        one time, not jointly for all links at all times.
    """

    what: WatchedStream
    before: float
    after: float
    since_s: float
    flagged_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Alarm:
    """The changes of one link or mode from the first until the streams have settled.

    Parameters
    ----------
    stage
        Why it was last reported.
    opened_s
        Unix seconds of the outcome at which it opened; identifies the alarm among those of its link
        or mode.
    changes
        The latest `Change` of each stream that changed, at least one, ordered as `WatchedStream`.
    ended_s
        Unix seconds of the outcome at which it ended; None while it is open.
    """

    stage: AlarmStage
    opened_s: float
    changes: tuple[Change, ...]
    ended_s: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the wire form."""
        return {**asdict(self), "since_s": self.since_s}

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Self:
        """Return the alarm with the wire form ``body``."""
        changes = (
            Change(**{**change, "what": WatchedStream(change["what"])})
            for change in body["changes"]
        )
        return cls(AlarmStage(body["stage"]), body["opened_s"], tuple(changes), body["ended_s"])

    @property
    def since_s(self) -> float:
        """Unix seconds of its earliest change."""
        return min(change.since_s for change in self.changes)

    @property
    def flagged_s(self) -> float:
        """Unix seconds at which its newest change was detected."""
        return max(change.flagged_s for change in self.changes)
