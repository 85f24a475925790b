"""Transfers that were forecast, against what their link's samples let through. Pure.

The actual duration is the first time at which the integral of the rate reaches the size: zeros
count. After a gap, or a sample that was measured during a transfer, nothing is known.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from pba.telemetry.rate_integral import RateIntegral
from pba.types import QUANTILES, Booleans, Floats

__all__ = [
    "LONGEST_S",
    "UNSCORED",
    "RecordedTransfer",
    "TransferSamples",
    "TransferSums",
    "score_transfer",
]

LONGEST_S = 6 * 3600.0
"""No transfer is observed for longer."""

_MOST_TIMES = 4.0
_LOW, _MEDIAN, _HIGH = (QUANTILES.index(level) for level in (0.1, 0.5, 0.9))
_TAIL = 0.1


@dataclass(frozen=True, slots=True)
class RecordedTransfer:
    """A forecast of a transfer that waits for its actual.

    Parameters
    ----------
    link_id
        The link.
    after_s
        Unix seconds of the newest sample behind the forecast: there it begins.
    created_s
        Unix seconds at which the service computed it.
    mode
        That of the forecast.
    step_s
        The link's sample spacing.
    size_bytes
        Its size.
    deadline_s
        As requested; None without one.
    duration_s
        Quantiles of the duration at the levels of `pba.types.QUANTILES`, inf without an end.
    """

    link_id: str
    after_s: float
    created_s: float
    mode: str
    step_s: float
    size_bytes: int
    deadline_s: float | None
    duration_s: tuple[float, ...]

    @property
    def limit_s(self) -> float:
        """How long it is observed: to the deadline, or four times the median; at most six hours."""
        median_s = _MOST_TIMES * self.duration_s[_MEDIAN]
        return min(LONGEST_S, median_s if self.deadline_s is None else self.deadline_s)


class TransferSamples(NamedTuple):
    """The samples of a link from the beginning of a transfer on, ``(sample,)``."""

    timestamps_s: Floats
    rate_mbps: Floats
    during_transfer: Booleans


@dataclass(frozen=True, slots=True)
class TransferSums:
    """How durations compare with their 80 % intervals, of one transfer or of many.

    Parameters
    ----------
    scored
        How many have an actual, those that are censored included.
    censored
        How many had not ended by the deadline, or within the time of their observation.
    unscored
        How many have no actual: a gap came first, another transfer, or no sample at all.
    inside, faster, slower
        How many were inside the interval, below and above. One that is censored counts in each with
        the share of the forecast's own probability beyond that time.
    """

    scored: int = 0
    censored: int = 0
    unscored: int = 0
    inside: float = 0.0
    faster: float = 0.0
    slower: float = 0.0

    def plus(self, other: "TransferSums") -> Self:
        """Return the sums over both."""
        return type(self)(
            self.scored + other.scored,
            self.censored + other.censored,
            self.unscored + other.unscored,
            self.inside + other.inside,
            self.faster + other.faster,
            self.slower + other.slower,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the wire form: counts and, if something was scored, shares.

        >>> TransferSums(2, 0, 1, 1.0, 1.0).as_dict()["coverage_80"]
        0.5
        """
        known = self.scored > 0
        return {
            "scored": self.scored,
            "censored": self.censored,
            "unscored": self.unscored,
            "coverage_80": self.inside / self.scored if known else None,
            "faster": self.faster / self.scored if known else None,
            "slower": self.slower / self.scored if known else None,
        }


UNSCORED = TransferSums(unscored=1)
"""One transfer without an actual."""


def score_transfer(
    transfer: RecordedTransfer, samples: TransferSamples, gap_intervals: float
) -> TransferSums | None:
    """Return what a transfer adds to the sums, None while later samples can change that.

    Parameters
    ----------
    samples
        Of the link, from the time at which the transfer begins on.
    gap_intervals
        A wait of over so many steps is a gap.
    """
    marked = np.flatnonzero(samples.during_transfer[1:])
    stop = int(marked[0]) + 1 if marked.size else len(samples.timestamps_s)
    times_s, rate_mbps = samples.timestamps_s[:stop], samples.rate_mbps[:stop]
    gap_s = gap_intervals * transfer.step_s
    known_s, duration_s, broken = 0.0, np.nan, marked.size > 0
    if stop > 1:
        integral = RateIntegral.of(times_s, rate_mbps, gap_s)
        start = np.zeros(1, dtype=np.int64)
        known_s = float(integral.known_s(start)[0])
        duration_s = float(integral.time_s(start, np.array([transfer.size_bytes * 8e-6]))[0])
        broken |= bool(integral.gaps[-1] > 0)
    limit_s = transfer.limit_s
    if duration_s <= limit_s:
        return _ended(transfer, duration_s)
    if known_s >= limit_s:
        return _censored(transfer, limit_s)
    return UNSCORED if broken else None


def _ended(transfer: RecordedTransfer, duration_s: float) -> TransferSums:
    faster = float(duration_s < transfer.duration_s[_LOW])
    slower = float(duration_s > transfer.duration_s[_HIGH])
    return TransferSums(scored=1, inside=1.0 - faster - slower, faster=faster, slower=slower)


def _censored(transfer: RecordedTransfer, limit_s: float) -> TransferSums:
    """Share it out as `pba.evaluation.transfers` does."""
    quantiles_s = np.array(transfer.duration_s)
    ends = np.isfinite(quantiles_s)
    levels = np.array(QUANTILES)[ends]
    probability = (
        float(np.interp(limit_s, quantiles_s[ends], levels, left=0.0)) if levels.size else 0.0
    )
    beyond = 1.0 - probability
    slower = min(_TAIL, beyond) / beyond
    faster = max(_TAIL - probability, 0.0) / beyond
    return TransferSums(1, 1, 0, max(0.0, 1.0 - faster - slower), faster, slower)
