"""A predictive distribution over log-ratio bins, and its point, confidence and quantiles.

Point, confidence and quantiles come from one distribution, so they cannot contradict each other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from pba.models.shape_worth import ShapeWorth
from pba.types import QUANTILES, Floats

__all__ = ["Bins", "DecodedForecast", "decode"]

_LEVELS = np.array(QUANTILES)[:, None]
_MEDIAN = QUANTILES.index(0.5)
_UP, _DOWN = np.log(1.2), np.log(0.8)
_INNER_UP, _INNER_DOWN = np.log(1.1), np.log(0.9)
_BANDS = np.array([_UP, _DOWN, _INNER_UP, _INNER_DOWN])
# Both chosen on val traces, see docs/results/experiments.md.
_INNER = 0.2
_TIE = 0.003
_BLOCK = 96  # histories decoded at once; the arrays of more exceed the CPU cache
_CANDIDATES = 61  # of a block of `Bins.worth`: fewer make more calls, more have more zeros


@dataclass(frozen=True, eq=False)
class Bins:
    """Bins over ``log(bandwidth / level)``, finer near 0 where steady links live.

    The first bin is the outage: everything below the first edge, taken as 0 Mbps. Bin ``i >= 1``
    lies between ``edges[i - 1]`` and ``edges[i]``; the last also takes everything above it. Within
    a bin the density is uniform in the log-ratio.

    Parameters
    ----------
    edges
        Increasing log-ratios, shape ``(bin,)``: as many as there are bins.
    """

    edges: Floats

    @classmethod
    def spaced(cls, count: int, reach: float, width: float) -> "Bins":
        """Return ``count`` bins from ``-reach`` to ``reach`` in log-ratio, spaced as ``sinh``.

        Bins are about ``2 * width * asinh(reach / width) / count`` wide at 0 and grow in proportion
        to the log-ratio beyond ``width``.

        Examples
        --------
        >>> bins = Bins.spaced(count=122, reach=6.0, width=0.05)
        >>> len(bins), float(bins.edges[0]), float(bins.edges[-1])
        (122, -6.0, 6.0)
        >>> print(np.diff(bins.edges).min().round(4), np.diff(bins.edges).max().round(3))
        0.0045 0.52
        """
        grid = np.linspace(-1.0, 1.0, count)
        edges = width * np.sinh(grid * np.arcsinh(reach / width))
        edges[[0, -1]] = -reach, reach  # exactly, whatever sinh rounds to
        return cls(edges)

    def __len__(self) -> int:
        """Return the number of bins, including the outage."""
        return len(self.edges)

    def __reduce__(self) -> tuple[Callable[[bytes], "Bins"], tuple[bytes]]:
        """Pickle as bytes and unpickle as one shared object with its cached tables."""
        return _shared, (self.edges.tobytes(),)

    def index(self, log_ratio: Floats) -> np.ndarray:
        """Return the bin of each log-ratio; ``-inf`` is the outage. Shapes are kept."""
        indices = np.searchsorted(self.edges, log_ratio, side="right")
        return np.minimum(indices, len(self.edges) - 1)

    @property
    def widths(self) -> Floats:
        """Return each bin's width in log-ratio, shape ``(bin,)``; that of the outage is 1."""
        return np.concatenate([[1.0], np.diff(self.edges)])

    @cached_property
    def _worth(self) -> tuple[Floats, Floats]:
        """Candidate points (log-ratios) and the value of each bin's mass to each of them.

        An actual ``a`` is in band of ``f`` when ``f / 1.2 <= a <= f / 0.8``. The mass of that
        interval is piecewise linear in ``log f`` with kinks only where one of its ends meets an
        edge, and so for ±10 %: the best point is among those kinks.
        """
        candidates = np.sort(np.concatenate([self.edges + shift for shift in _BANDS]))
        band = self.overlap(candidates - _UP, candidates - _DOWN)
        inner = self.overlap(candidates - _INNER_UP, candidates - _INNER_DOWN)
        return candidates, band + _INNER * inner

    def worth(self, mass: Floats) -> Floats:
        """Return the value of each candidate point where bins have ``mass (…, bin)``.

        It is linear in the mass, and the outage adds nothing to it.
        """
        worth = np.empty((*np.shape(mass)[:-1], len(self._worth[0])))
        for bins, candidates, values in self._worth_blocks:
            np.matmul(mass[..., bins], values, out=worth[..., candidates])
        return worth

    @cached_property
    def _worth_blocks(self) -> list[tuple[slice, slice, Floats]]:
        """The values of `_worth` in blocks of candidates, each without the bins far from all."""
        values = self._worth[1]
        blocks = []
        for start in range(0, values.shape[1], _CANDIDATES):
            candidates = slice(start, start + _CANDIDATES)
            near = np.flatnonzero(values[:, candidates].any(axis=1))
            bins = slice(int(near[0]), int(near[-1]) + 1) if near.size else slice(0)
            blocks.append((bins, candidates, np.ascontiguousarray(values[bins, candidates])))
        return blocks

    @cached_property
    def _highest(self) -> float:
        return float(np.exp(self.edges[-1]))

    def highest_mbps(self, level_mbps: float) -> float:
        """Return the rate at which the bins end, the highest that can be predicted."""
        return level_mbps * self._highest

    def overlap(self, low: Floats, high: Floats) -> Floats:
        """Return the share of each bin between ``low`` and ``high``, shape ``(bin, interval)``."""
        left, right = self.edges[:-1, None], self.edges[1:, None]
        inside = np.clip(np.minimum(right, high) - np.maximum(left, low), 0.0, None)
        return np.vstack([np.zeros((1, len(low))), inside / (right - left)])


@lru_cache(maxsize=16)
def _shared(edges: bytes) -> Bins:
    return Bins(np.frombuffer(edges))


class DecodedForecast(NamedTuple):
    """Point, confidence and quantiles. Shapes ``(batch, target)``, quantiles ``(…, 7)``."""

    bandwidth_mbps: Floats
    confidence: Floats
    quantiles_mbps: Floats


def decode(
    probabilities: Floats,
    level_mbps: Floats,
    bins: Bins,
    worth: ShapeWorth | None = None,
    with_quantiles: np.ndarray | None = None,
) -> DecodedForecast:
    """Return points, confidences and quantiles.

    The point maximises the mass within ±20 % of the actual, where mass within ±10 % counts a fifth
    more; of the values within 0.003 of the maximum it is the one nearest the median. The confidence
    is the point's mass within ±20 %.

    Parameters
    ----------
    probabilities
        Shape ``(batch, target, bin)``, each row summing to 1.
    level_mbps
        The reference level of the log-ratios, shape ``(batch,)``.
    bins
        The layout of the last axis.
    worth
        `Bins.worth` of the probabilities, if it is known.
    with_quantiles
        Of which of the batch to return quantiles; those of the others are NaN. None means all.

    Examples
    --------
    >>> bins = Bins.spaced(122, 6.0, 0.05)
    >>> steady = np.zeros((1, 1, 122))
    >>> steady[..., bins.index(0.0)] = 1.0
    >>> decoded = decode(steady, np.array([100.0]), bins)
    >>> decoded.bandwidth_mbps.round(0), decoded.confidence
    (array([[100.]]), array([[1.]]))
    """
    starts = range(0, max(1, len(probabilities)), _BLOCK)
    blocks = [slice(start, start + _BLOCK) for start in starts]
    parts = [
        _block(
            probabilities[one],
            level_mbps[one],
            bins,
            None if worth is None else worth[one],
            None if with_quantiles is None else with_quantiles[one],
        )
        for one in blocks
    ]
    return (
        parts[0]
        if len(parts) == 1
        else DecodedForecast(*map(np.concatenate, zip(*parts, strict=True)))
    )


def _block(
    probabilities: Floats,
    level_mbps: Floats,
    bins: Bins,
    worth: ShapeWorth | None,
    with_quantiles: np.ndarray | None,
) -> DecodedForecast:
    shape = np.shape(probabilities)
    mass = np.asarray(probabilities, dtype=np.float64).reshape(-1, shape[-1])
    below = np.cumsum(mass, axis=1)
    total = below[:, -1:]
    mass, below = mass / total, below / total
    quantiles = _quantiles_of(mass, below, bins, with_quantiles, shape[1])
    median = quantiles[:, _MEDIAN]
    known = _dense(bins.worth(mass)) if worth is None else _scaled(worth, total[:, 0])
    log_point, confidence = _point(mass, below, median, known, bins)
    level = np.asarray(level_mbps, dtype=np.float64)[:, None]
    return DecodedForecast(
        level * np.exp(log_point).reshape(shape[:-1]),
        np.minimum(confidence, 1.0).reshape(shape[:-1]),
        level[..., None] * np.exp(quantiles).reshape(*shape[:-1], len(QUANTILES)),
    )


class _Worth(NamedTuple):
    """The highest worth of each row, and a function to the worth of each candidate of some rows."""

    highest: Floats
    of: Callable[[np.ndarray], Floats]


def _dense(worth: Floats) -> _Worth:
    return _Worth(worth.max(axis=1), lambda rows: worth[rows])


def _scaled(worth: ShapeWorth, total: Floats) -> _Worth:
    index, share = worth.index.ravel(), worth.share.ravel() / total
    return _Worth(
        worth.highest[index] * share, lambda rows: worth.shapes[index[rows]] * share[rows, None]
    )


def _quantiles_of(
    mass: Floats, below: Floats, bins: Bins, with_quantiles: np.ndarray | None, horizons: int
) -> Floats:
    """Return the quantiles of each row, or but for the median NaN, shape ``(row, 7)``."""
    if with_quantiles is None or with_quantiles.all():
        return _quantiles(mass, below, bins, _LEVELS)
    quantiles = np.full((len(mass), len(QUANTILES)), np.nan)
    rows = np.flatnonzero(np.repeat(with_quantiles, horizons))
    quantiles[:, _MEDIAN] = _quantiles(mass, below, bins, _LEVELS[_MEDIAN : _MEDIAN + 1])[:, 0]
    quantiles[rows] = _quantiles(mass[rows], below[rows], bins, _LEVELS)
    return quantiles


def _quantiles(mass: Floats, below: Floats, bins: Bins, levels: Floats) -> Floats:
    """Return the log-ratio of each level, ``-inf`` within the outage, shape ``(row, level)``."""
    index = np.minimum((below[:, None] < levels).sum(axis=2), len(bins) - 1)
    rows = np.arange(len(mass))[:, None]
    above = (below[rows, index] - levels[:, 0]) / np.maximum(mass[rows, index], 1e-300)
    left, right = bins.edges[np.maximum(index - 1, 0)], bins.edges[index]
    return np.where(index == 0, -np.inf, left + np.clip(1.0 - above, 0.0, 1.0) * (right - left))


def _point(
    mass: Floats, below: Floats, median: Floats, worth: _Worth, bins: Bins
) -> tuple[Floats, Floats]:
    """Return each row's best log-ratio, ``-inf`` for an outage, and its mass in band."""
    candidates, outage = bins._worth[0], (1.0 + _INNER) * mass[:, 0]
    best = np.maximum(worth.highest, outage)
    ends = _mass_below(mass, below, median[:, None] - _BANDS, bins)
    at_median = ends[:, 1] - ends[:, 0] + _INNER * (ends[:, 3] - ends[:, 2])
    point = median.copy()
    rows = np.flatnonzero(at_median < best - _TIE)
    if rows.size:
        distance = np.abs(candidates - np.maximum(median[rows], bins.edges[0])[:, None])
        good = worth.of(rows) >= (best[rows] - _TIE)[:, None]
        point[rows] = candidates[np.argmin(np.where(good, distance, np.inf), axis=1)]
    is_outage = outage >= best
    point[is_outage] = -np.inf
    ends = _mass_below(mass, below, point[:, None] - _BANDS[:2], bins)
    return point, np.where(is_outage, mass[:, 0], ends[:, 1] - ends[:, 0])


def _mass_below(mass: Floats, below: Floats, log_ratio: Floats, bins: Bins) -> Floats:
    """Return the mass of each row below each of its log-ratios, with all of the outage's.

    Parameters
    ----------
    mass, below
        Each bin's mass, and that of all bins up to it, shape ``(row, bin)``.
    log_ratio
        Shape ``(row, value)``.
    """
    edges = bins.edges
    inside = np.minimum(np.maximum(log_ratio, edges[0]), edges[-1])
    index = np.minimum(np.searchsorted(edges, inside, side="right"), len(edges) - 1)
    rows = np.arange(len(mass))[:, None]
    share = (inside - edges[index - 1]) / (edges[index] - edges[index - 1])
    return np.asarray(below[rows, index - 1] + mass[rows, index] * share)
