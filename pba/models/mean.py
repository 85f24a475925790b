"""The mean of the last few samples."""

from functools import lru_cache

import numpy as np

from pba.errors import InvalidInput
from pba.models.residuals import RuleForecaster
from pba.types import Floats

__all__ = ["Mean", "check_count", "trailing_mean"]


class Mean(RuleForecaster):
    """The rate stays at the mean of the last ``count`` samples.

    Less noisy than `pba.models.last_value.LastValue` where samples scatter around a level, but
    ``count / 2`` samples late where the level changes.

    Parameters
    ----------
    count
        The number of samples, at least 1.

    Examples
    --------
    >>> Mean(count=2).estimates(np.array([[100.0, 200.0, 400.0]]))
    array([[100., 150., 300.]])
    """

    name = "mean"

    def __init__(self, count: int = 5) -> None:
        self.count = check_count(count)

    def estimates(self, rate_mbps: Floats) -> Floats:
        """Return the mean of the last ``count`` rates after each sample."""
        return trailing_mean(rate_mbps, self.count)


def trailing_mean(values: Floats, count: int) -> Floats:
    """Return the mean of the last ``count`` values, of fewer at the start, shape as ``values``.

    Computed as a product with a band matrix, because a running sum loses small values next to 1e7.
    """
    return np.asarray(values @ _weights(values.shape[1], count))


def check_count(count: int) -> int:
    """Return ``count`` if it is at least 1.

    Raises
    ------
    InvalidInput
        If it is less.
    """
    if count < 1:
        raise InvalidInput(f"count is {count}; a mean is of at least 1 sample. Raise it.", "count")
    return count


@lru_cache(maxsize=64)
def _weights(samples: int, count: int) -> Floats:
    """Return the share of each sample (row) in the mean after each sample (column)."""
    age = np.arange(samples) - np.arange(samples)[:, None]
    included = (age >= 0) & (age < count)
    return np.asarray(included / included.sum(axis=0))
