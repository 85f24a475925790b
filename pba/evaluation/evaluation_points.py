"""The moments of some traces at which forecasts are made, and what came after each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from pba.telemetry.datasets import WindowSet
from pba.telemetry.traces import Trace
from pba.types import HORIZONS, Floats

__all__ = ["EvaluationPoints"]

_CHANGE = 0.2
_NEAR = 5


@dataclass(frozen=True, eq=False)
class EvaluationPoints:
    """Every moment of one set that has a whole window before it and a sample after it."""

    windows: WindowSet

    @classmethod
    def of(cls, traces: Sequence[Trace], window: int) -> Self:
        """Return the moments of ``traces`` that end a window of ``window`` samples.

        Raises
        ------
        NotEnoughData
            If there is not a single one.
        """
        return cls(WindowSet.of({trace.trace_id: [trace] for trace in traces}, window))

    def __len__(self) -> int:
        """Return how many moments there are."""
        return len(self.windows)

    @cached_property
    def actual_mbps(self) -> Floats:
        """What came, shape ``(moment, horizon)``, NaN past the end of a run."""
        ahead, known = self._ahead
        return np.asarray(np.where(known, self.windows.values[ahead, 0], np.nan), dtype=float)

    @cached_property
    def actual_path(self) -> Floats:
        """Latency (ms), packet loss and jitter (ms) of the next step, or NaN; ``(moment, 3)``."""
        return np.asarray(self.windows.values[self.windows.ends + 1, 1:4], dtype=float)

    @property
    def trace(self) -> np.ndarray:
        """Which trace each moment lies in, from 0, shape ``(moment,)``."""
        return self.windows.groups

    @cached_property
    def near_change(self) -> np.ndarray:
        """Whether what came lies within 5 samples of a change of over 20 %, as `actual_mbps`."""
        ahead, known = self._ahead
        return np.asarray(known & self._changes[ahead])

    @property
    def _ahead(self) -> tuple[np.ndarray, np.ndarray]:
        ahead = self.windows.ends[:, None] + np.array(HORIZONS)
        known = ahead < self.windows.stops[:, None]
        return np.where(known, ahead, 0), known

    @property
    def _changes(self) -> np.ndarray:
        """Whether a change is near, for every sample; no change is seen across a gap."""
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
