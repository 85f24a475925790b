"""Means and their standard errors, where the points of one trace are not independent."""

from typing import NamedTuple

import numpy as np

from pba.types import Floats

__all__ = ["Mean", "clustered_mean"]


class Mean(NamedTuple):
    """A mean and its standard error, NaN for a single trace."""

    value: float
    error: float

    def __str__(self) -> str:
        """Return the mean with its sign, ± the error."""
        return f"{self.value:+.4f} ± {self.error:.4f}"


def clustered_mean(gains: Floats, traces: np.ndarray) -> Mean:
    """Return the mean of ``gains (point,)`` and its error over ``traces (point,)``.

    The linearised variance of a ratio of totals over clusters (Cochran, Sampling Techniques, 1977,
    section 9.5).

    >>> print(clustered_mean(np.array([1.0, 1.0, 0.0, 0.0]), np.array(["a", "a", "b", "b"])))
    +0.5000 ± 0.5000
    """
    _, cluster = np.unique(traces, return_inverse=True)
    count, total = np.bincount(cluster), np.bincount(cluster, weights=gains)
    value, clusters = float(np.mean(gains)), len(count)
    if clusters < 2:
        return Mean(value, float("nan"))
    squares = float(((total - value * count) ** 2).sum()) * clusters / (clusters - 1)
    return Mean(value, squares**0.5 / len(gains))
