"""The mean of the last few samples."""

from functools import lru_cache

import numpy as np

from pba.errors import InvalidInput
from pba.models.residuals import RuleForecaster
from pba.types import Floats

__all__ = ["Mean", "checked_count", "trailing_mean"]


class Mean(RuleForecaster):
    """The mean of the last ``count`` rates goes on.

    Steadier than `pba.models.last_value.LastValue` where samples are noisy about a level, late by
    ``count / 2`` samples where the level moves.

    Parameters
    ----------
    count
        How many samples, at least 1.

    Examples
    --------
    >>> Mean(count=2).estimates(np.array([[100.0, 200.0, 400.0]]))
    array([[100., 150., 300.]])
    """

    name = "mean"

    def __init__(self, count: int = 5) -> None:
        self.count = checked_count(count)

    def estimates(self, rate_mbps: Floats) -> Floats:
        """Return the mean of the last ``count`` rates after each sample."""
        return trailing_mean(rate_mbps, self.count)


def trailing_mean(values: Floats, count: int) -> Floats:
    """Return the mean of the last ``count`` values, of fewer at the start, shape as ``values``.

    A product with a band of weights, since a running sum would lose a small value next to 1e7.
    """
    return np.asarray(values @ _weights(values.shape[1], count))


def checked_count(count: int) -> int:
    """Return ``count`` if a mean can be taken of so many samples."""
    if count < 1:
        raise InvalidInput(f"count is {count}; a mean is of at least 1 sample. Raise it.", "count")
    return count


@lru_cache(maxsize=64)
def _weights(samples: int, count: int) -> Floats:
    """Return the share of each sample (row) in the mean after each sample (column)."""
    age = np.arange(samples) - np.arange(samples)[:, None]
    taken = (age >= 0) & (age < count)
    return np.asarray(taken / taken.sum(axis=0))
