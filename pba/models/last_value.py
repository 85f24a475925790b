"""The last value, repeated for every horizon."""

from pba.models.residuals import RuleForecaster
from pba.types import Floats

__all__ = ["LastValue"]


class LastValue(RuleForecaster):
    """The bandwidth stays at the newest sample; its past errors give the distribution.

    The reference for every other forecaster; on a random walk none is better.

    Examples
    --------
    >>> import numpy as np
    >>> from pba.models.distribution import decode
    >>> window = np.full((1, 30, 5), np.nan)
    >>> window[0, :, 0] = [100.0] * 29 + [200.0]
    >>> prediction = LastValue().predict(window)
    >>> decode(
    ...     prediction.probabilities, prediction.level_mbps, LastValue.bins
    ... ).bandwidth_mbps.round()
    array([[200., 200., 200.]])
    """

    name = "last_value"

    def estimates(self, rate_mbps: Floats) -> Floats:
        """Return the rates themselves."""
        return rate_mbps
