"""The last value: tomorrow is like today."""

from pba.models.residuals import RuleForecaster
from pba.types import Floats

__all__ = ["LastValue"]


class LastValue(RuleForecaster):
    """The newest bandwidth goes on, as sure as that has been right within the window.

    The rule that every other has to beat; on a random walk none can.

    Examples
    --------
    >>> import numpy as np
    >>> from pba.distribution import decode
    >>> window = np.full((1, 30, 5), np.nan)
    >>> window[0, :, 0] = [100.0] * 29 + [200.0]
    >>> said = LastValue().predict(window)
    >>> decode(said.probabilities, said.level_mbps, LastValue.bins).bandwidth_mbps.round()
    array([[200., 200., 200.]])
    """

    name = "last_value"

    def estimates(self, rate_mbps: Floats) -> Floats:
        """Return the rates themselves."""
        return rate_mbps
