"""Evaluation points: the samples of traces after which to forecast, and their actuals."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from pba.telemetry.datasets import WindowSet
from pba.telemetry.traces import Trace
from pba.types import HORIZONS, INTERVALS, Floats

__all__ = ["EvaluationPoints"]

_CHANGE = 0.2
_NEAR = 5


@dataclass(frozen=True, eq=False)
class EvaluationPoints:
    """Every sample of one set that ends a whole window and has a sample after it."""

    windows: WindowSet

    @classmethod
    def of(cls, traces: Sequence[Trace], window: int) -> Self:
        """Return the points of ``traces`` that end a window of ``window`` samples.

        Raises
        ------
        NotEnoughData
            If there is none.
        """
        return cls(WindowSet.of({trace.trace_id: [trace] for trace in traces}, window))

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.windows)

    @cached_property
    def actual_mbps(self) -> Floats:
        """What was measured, shape ``(point, target)``, NaN past the end of a run.

        Targets are those of `pba.evaluation.targets`.
        """
        ahead, known = self._ahead
        rates = np.where(known, self.windows.values[ahead, 0], np.nan)
        means = self.windows.mean_mbps[self.windows.ends]
        return np.concatenate([rates, means], axis=1, dtype=float)

    @cached_property
    def actual_path(self) -> Floats:
        """Latency (ms), packet loss and jitter (ms) of the next step, or NaN; ``(point, 3)``."""
        return np.asarray(self.windows.values[self.windows.ends + 1, 1:4], dtype=float)

    @property
    def trace(self) -> np.ndarray:
        """The number of each point's trace, from 0, shape ``(point,)``."""
        return self.windows.groups

    @cached_property
    def near_change(self) -> np.ndarray:
        """Whether the actual lies within 5 samples of a change of over 20 %; as `actual_mbps`.

        False for means.
        """
        ahead, known = self._ahead
        near = known & self._changes[ahead]
        return np.pad(near, [(0, 0), (0, len(INTERVALS))])

    @property
    def _ahead(self) -> tuple[np.ndarray, np.ndarray]:
        ahead = self.windows.ends[:, None] + np.array(HORIZONS)
        known = ahead < self.windows.stops[:, None]
        return np.where(known, ahead, 0), known

    @property
    def _changes(self) -> np.ndarray:
        """Whether a change is near, for every sample; a gap counts as no change."""
        rate = self.windows.values[:, 0].astype(float)
        near = np.zeros(len(rate), dtype=bool)
        start = 0
        for stop in np.unique(self.windows.stops).tolist():
            run = rate[start:stop]
            changed = np.abs(np.diff(run)) > _CHANGE * run[:-1]
            for index in (np.flatnonzero(changed) + 1).tolist():
                near[start + max(0, index - _NEAR) : min(stop, start + index + _NEAR + 1)] = True
            start = stop
        return near
