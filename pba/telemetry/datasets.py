"""Windows and their targets, gathered on demand from series that are stored once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np

from pba.errors import NotEnoughData
from pba.telemetry.interval_means import interval_means
from pba.telemetry.windows import GAP_INTERVALS, Run, runs
from pba.types import COLUMNS, HORIZONS, Floats

__all__ = ["Series", "WindowBatch", "WindowLimit", "WindowSet"]

_PATH = [COLUMNS.index(name) for name in ("latency_ms", "packet_loss", "jitter_ms")]

WindowLimit = int | Sequence[int] | None
"""The most windows per set: one number for all sets or one per set; None for all windows."""


class Series(Protocol):
    """Measurements of one link, oldest first: a `History` or a `Trace`."""

    @property
    def timestamps_s(self) -> Floats:
        """Seconds, shape ``(sample,)``."""
        ...

    @property
    def telemetry(self) -> Floats:
        """Physical units, shape ``(sample, 5)``."""
        ...


class WindowBatch(NamedTuple):
    """Windows and their targets, float32.

    Parameters
    ----------
    telemetry
        Shape ``(batch, window, 5)``, NaN where not measured.
    future_mbps
        Bandwidth at each of `pba.types.HORIZONS`, shape ``(batch, 3)``, NaN past the series' end.
    path
        Latency (ms), packet loss and jitter (ms) of the next step, shape ``(batch, 3)``, or NaN.
    mean_mbps
        Mean bandwidth over each of `pba.types.INTERVALS`, shape ``(batch, 3)``, NaN where
        `pba.telemetry.interval_means` has none.
    """

    telemetry: Floats
    future_mbps: Floats
    path: Floats
    mean_mbps: Floats


@dataclass(frozen=True, eq=False)
class WindowSet:
    """Every window of some series, by index; `gather` cuts the windows themselves.

    Parameters
    ----------
    values
        All series, one after the other, float32, shape ``(sample, 5)``.
    mean_mbps
        The mean bandwidth over each of the intervals after each sample, shape ``(sample, 3)``.
    ends
        Index in ``values`` of each window's last sample, shape ``(window,)``.
    stops
        Index in ``values`` of the (exclusive) end of each window's series, shape ``(window,)``.
    groups
        Index in ``names`` of each window's set, shape ``(window,)``.
    names
        Names of the sets.
    length
        Samples per window.
    path_only
        Names of sets whose bandwidth is no target: it is NaN in `gather`.
    """

    values: Floats
    mean_mbps: Floats
    ends: np.ndarray
    stops: np.ndarray
    groups: np.ndarray
    names: tuple[str, ...]
    length: int
    path_only: frozenset[str] = frozenset()

    @classmethod
    def of(cls, sets: Mapping[str, Sequence[Series]], length: int) -> "WindowSet":
        """Return all windows of ``length`` samples that have at least one sample after them.

        No window and no target crosses the end of a series or a gap of more than ten median
        intervals.

        Raises
        ------
        NotEnoughData
            If there is none.
        """
        parts = [
            (group, run)
            for group, series in enumerate(sets.values())
            for item in series
            for run in runs(item.timestamps_s, item.telemetry)
            if len(run.telemetry) > length
        ]
        if not parts:
            raise NotEnoughData(
                f"no series has the {length + 1} samples without a gap that one window and its "
                "target need. Give longer series."
            )
        stops = np.cumsum([len(run.telemetry) for _, run in parts])
        starts = np.concatenate([[0], stops[:-1]])
        spans = [np.arange(a + length - 1, b - 1) for a, b in zip(starts, stops, strict=True)]
        counts = [len(span) for span in spans]
        return cls(
            np.concatenate([run.telemetry for _, run in parts]).astype(np.float32),
            np.concatenate([_means(run) for _, run in parts]).astype(np.float32),
            np.concatenate(spans),
            np.repeat(stops, counts),
            np.repeat([group for group, _ in parts], counts),
            tuple(sets),
            length,
        )

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.ends)

    def only(self, indices: np.ndarray) -> "WindowSet":
        """Return the windows at ``indices`` only; the values are shared."""
        return replace(
            self,
            ends=self.ends[indices],
            stops=self.stops[indices],
            groups=self.groups[indices],
        )

    @property
    def columns_seen(self) -> tuple[bool, ...]:
        """Whether each of the five columns has any value."""
        return tuple(bool(np.isfinite(column).any()) for column in self.values.T)

    def gather(self, indices: np.ndarray, in_a_row: int = 1) -> WindowBatch:
        """Return the windows at ``indices``, shape ``(batch,)``, or several in a row from each.

        With ``in_a_row`` above 1 the telemetry is ``(batch, window + in_a_row - 1, 5)`` and targets
        have ``batch * in_a_row`` rows, all of the first stretch before those of the next. Past the
        end of a series its last sample is repeated and targets are NaN.
        """
        ends, stops = self.ends[indices, None], self.stops[indices, None]
        samples = ends + np.arange(1 - self.length, in_a_row)
        telemetry = self.values[np.minimum(samples, stops - 1)]
        each, stops = (ends + np.arange(in_a_row)).reshape(-1, 1), np.repeat(stops, in_a_row, 0)
        future = _at(self.values, each + np.array(HORIZONS), stops)[..., 0]
        path = _at(self.values, each + 1, stops)[:, 0, _PATH]
        mean = _at(self.mean_mbps, each[:, 0], stops[:, 0])
        no_rate = np.repeat(self._has_no_rate(indices), in_a_row)
        future[no_rate] = mean[no_rate] = np.nan
        return WindowBatch(telemetry, future, path, mean)

    def _has_no_rate(self, indices: np.ndarray) -> np.ndarray:
        """Return whether the bandwidth of each window at ``indices`` is no target."""
        no_rate = np.array([name in self.path_only for name in self.names], dtype=bool)
        return np.asarray(no_rate[self.groups[indices]])

    def count_windows(self, indices: np.ndarray, in_a_row: int) -> int:
        """Return the number of windows with a target in the stretches from ``indices`` on."""
        ahead = self.stops[indices] - 1 - self.ends[indices]
        return int(np.minimum(ahead, in_a_row).sum())

    def draw(self, rng: np.random.Generator, per_set: WindowLimit = None) -> np.ndarray:
        """Return indices in random order without repetition, at most ``per_set`` of each set."""
        order = rng.permutation(len(self))
        if per_set is None:
            return order
        groups = self.groups[order]
        limits = self._limits(per_set)
        drawn = [order[groups == group][: limits[group]] for group in range(len(self.names))]
        return rng.permutation(np.concatenate(drawn))

    def draw_stretches(
        self, rng: np.random.Generator, in_a_row: int, per_set: WindowLimit = None
    ) -> np.ndarray:
        """Return the first windows of stretches of ``in_a_row`` windows, in random order.

        A set's stretches have together at most ``per_set`` windows, and about as many as the set.
        They begin at random windows and stay within their series where it is long enough.
        """
        parts = []
        for (_, windows), limit in zip(self.by_set(), self._limits(per_set), strict=True):
            count = min(limit, len(windows))
            parts.append(rng.permutation(windows)[: -(-count // in_a_row)])
        drawn = rng.permutation(np.concatenate(parts))
        first = np.searchsorted(self.stops, self.stops[drawn])
        last = np.searchsorted(self.stops, self.stops[drawn], side="right") - in_a_row
        starts = drawn - rng.integers(in_a_row, size=len(drawn))
        return np.clip(starts, first, np.maximum(first, last))

    def _limits(self, per_set: WindowLimit) -> list[int]:
        if isinstance(per_set, Sequence):
            return list(per_set)
        return [len(self) if per_set is None else per_set] * len(self.names)

    def by_set(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield each set's name and the indices of its windows."""
        for group, name in enumerate(self.names):
            yield name, np.flatnonzero(self.groups == group)


def _at(values: Floats, samples: np.ndarray, stops: np.ndarray) -> Floats:
    """Return ``values (sample, column)`` at ``samples``, NaN from ``stops`` on."""
    known = samples < stops
    return np.where(known[..., None], values[np.where(known, samples, 0)], np.nan)


def _means(run: Run) -> Floats:
    rate_mbps = run.telemetry[:, 0]
    every = np.arange(len(rate_mbps))
    gap_s = GAP_INTERVALS * run.step_s
    return interval_means(run.timestamps_s, rate_mbps, run.step_s, gap_s, every).mean_mbps
