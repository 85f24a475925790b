"""What is told of a change: alarms and the changes in them. What they mean is in docs/drift.md."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

__all__ = ["Alarm", "Change", "AlarmStage", "WatchedStream"]


class WatchedStream(StrEnum):
    """What can change: the mean of one of four streams.

    ``HITS`` is the share of forecasts in band; ``BIAS`` by how much forecasts are too high or low;
    ``ERROR`` how far off they are, to whichever side; ``LEVEL`` the bandwidth itself, because
    forecasts follow a link to its new level within a few samples.
    """

    HITS = "hits"
    BIAS = "bias"
    ERROR = "error"
    LEVEL = "level"


class AlarmStage(StrEnum):
    """What an alarm is told for: it opened, something else changed meanwhile, or it ended."""

    OPENED = "opened"
    CHANGED = "changed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Change:
    """What changed, since when, and how sure that is.

    Parameters
    ----------
    what
        The stream whose mean changed.
    before, after
        Its mean on either side. Of a link: a share for ``hits``; the geometric mean of forecast /
        actual for ``bias`` (1.1: 10 % too high); how far off forecasts typically are, as a share,
        for ``error``; the geometric mean in Mbps for ``level``. A rate counts as at least 0.01
        Mbps, an error as at most e² (7.4) times, and an actual as that near the median of the last
        five. Of a mode: the share in band, less what the confidence said, for ``hits``; ``bias``
        and ``error`` in widths of the middle half that was forecast, 4 at most.
    since_s
        Unix seconds of the first outcome after the change, as estimated.
    flagged_s
        Unix seconds of the outcome at which it was noticed.
    confidence
        One less the chance that a stream which did not change looks like this somewhere; see
        `pba.monitoring.drift.change_point.confidence`. It counts for one stream at one moment, not for all links at
        all times.
    """

    what: WatchedStream
    before: float
    after: float
    since_s: float
    flagged_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Alarm:
    """Changes of one link or mode that belong together, from the first until it has settled.

    Parameters
    ----------
    stage
        What it was told for last.
    opened_s
        Unix seconds of the outcome at which it opened; names it among the others of its link or
        mode.
    changes
        The latest `Change` of each stream that changed, at least one, in the order of `WatchedStream`.
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
        """Return the alarm that ``body``, its wire form, describes."""
        changes = (Change(**{**one, "what": WatchedStream(one["what"])}) for one in body["changes"])
        return cls(AlarmStage(body["stage"]), body["opened_s"], tuple(changes), body["ended_s"])

    @property
    def since_s(self) -> float:
        """Unix seconds of its earliest change."""
        return min(change.since_s for change in self.changes)

    @property
    def flagged_s(self) -> float:
        """Unix seconds at which its newest change was noticed."""
        return max(change.flagged_s for change in self.changes)
