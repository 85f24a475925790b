"""The exponentially weighted moving average."""

from functools import lru_cache

import numpy as np

from pba.errors import InvalidInput
from pba.models.residuals import RuleForecaster
from pba.types import Floats

__all__ = ["Ewma"]


class Ewma(RuleForecaster):
    """A mean in which each sample weighs ``1 - alpha`` times as much as the one after it.

    Simple exponential smoothing (Brown, 1956; Hyndman and Athanasopoulos, "Forecasting: Principles
    and Practice", section 8.1): ``e[t] = alpha x[t] + (1 - alpha) e[t - 1]``, begun at ``x[0]``.

    Parameters
    ----------
    alpha
        Weight of the newest sample, above 0 to 1; at 1 it is the last value.

    Examples
    --------
    >>> Ewma(alpha=0.5).estimates(np.array([[100.0, 200.0, 400.0]]))
    array([[100., 150., 275.]])
    """

    name = "ewma"

    def __init__(self, alpha: float = 0.5) -> None:
        if not 0.0 < alpha <= 1.0:
            raise InvalidInput(
                f"alpha is {alpha}; it is above 0 and at most 1. Choose 0.5.", "alpha"
            )
        self.alpha = alpha

    def estimates(self, rate_mbps: Floats) -> Floats:
        """Return the average after each sample."""
        return np.asarray(rate_mbps @ _weights(rate_mbps.shape[1], self.alpha))


@lru_cache(maxsize=64)
def _weights(samples: int, alpha: float) -> Floats:
    """Return the weight of each sample (row) in the average after each sample (column)."""
    age = np.arange(samples) - np.arange(samples)[:, None]
    weights = np.where(age >= 0, alpha * (1.0 - alpha) ** np.maximum(age, 0), 0.0)
    weights[0] /= alpha
    return np.asarray(weights)
