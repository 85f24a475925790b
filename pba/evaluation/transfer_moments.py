"""Moments at which a transfer could begin, and what the traces say of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from pba.evaluation.evaluation_points import EvaluationPoints
from pba.models.precopy import Migrations, migrate
from pba.telemetry.rate_integral import RateIntegral
from pba.telemetry.spacing import spacing
from pba.telemetry.traces import Trace
from pba.telemetry.windows import runs
from pba.types import Floats

__all__ = ["TransferMoments"]

_EWMA_WEIGHT = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class TransferMoments:
    """The evaluation points of one set as beginnings of transfers.

    Parameters
    ----------
    integral
        Of all runs without a gap, one after the other, with a gap between.
    newest
        The sample after which each transfer begins, shape ``(moment,)``.
    step_s, last_mbps, ewma_mbps
        The step of each window, its newest rate, and its moving average with a weight of 0.3.
    """

    integral: RateIntegral
    newest: np.ndarray
    step_s: Floats
    last_mbps: Floats
    ewma_mbps: Floats

    @classmethod
    def of(cls, traces: Sequence[Trace], points: EvaluationPoints) -> Self:
        """Return the moments of ``points``, which are some of those of ``traces``."""
        windows = points.windows
        length = windows.length
        times_s = [
            run.timestamps_s
            for trace in traces
            for run in runs(trace.timestamps_s, trace.telemetry)
            if len(run.telemetry) > length
        ]
        gap_s = 1.0 + max(float(np.diff(times).max()) for times in times_s)
        joined_s, start_s = [], 0.0
        for times in times_s:
            joined_s.append(start_s + times - times[0])
            start_s = joined_s[-1][-1] + 2.0 * gap_s
        timeline_s = np.concatenate(joined_s)
        rates_mbps = windows.values[:, 0].astype(float)
        window = rates_mbps[windows.ends[:, None] + np.arange(1 - length, 1)]
        ewma_mbps = window[:, 0].copy()
        for column in window[:, 1:].T:
            ewma_mbps += _EWMA_WEIGHT * (column - ewma_mbps)
        steps = [spacing(timeline_s[end + 1 - length : end + 1]).step_s for end in windows.ends]
        return cls(
            RateIntegral.of(timeline_s, rates_mbps, gap_s),
            windows.ends,
            np.array(steps),
            window[:, -1],
            ewma_mbps,
        )

    def only(self, chosen: np.ndarray) -> Self:
        """Return the moments that are ``chosen``."""
        return type(self)(
            self.integral,
            self.newest[chosen],
            self.step_s[chosen],
            self.last_mbps[chosen],
            self.ewma_mbps[chosen],
        )

    @property
    def known_s(self) -> Floats:
        """For how long after each moment the rate is known."""
        return self.integral.known_s(self.newest)

    def duration_s(self, megabits: Floats) -> Floats:
        """Return how long each transfer took, NaN where its run ends before it does."""
        return self.integral.time_s(self.newest, megabits)

    def migrations(self, memory_mb: Floats, dirty_mbps: Floats) -> Migrations:
        """Return how each live migration went."""
        return migrate(self.duration_s, memory_mb, dirty_mbps)
