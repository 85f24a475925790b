"""The harmonic mean of the last few samples."""

from pba.models.mean import check_count, trailing_mean
from pba.models.residuals import RuleForecaster
from pba.types import Floats

__all__ = ["HarmonicMean"]


class HarmonicMean(RuleForecaster):
    """The rate stays at the harmonic mean of the last ``count`` samples.

    The duration of a transfer is proportional to ``1 / rate``, so this is the rate of the mean
    duration. A single high outlier hardly changes it (Jiang, Sekar and Zhang, "FESTIVE", CoNEXT
    2012, section 5.2; Yin et al., SIGCOMM 2015, use the last five). It is low by design.

    Parameters
    ----------
    count
        The number of samples, at least 1.

    Examples
    --------
    >>> import numpy as np
    >>> HarmonicMean(count=2).estimates(np.array([[100.0, 100.0, 300.0]]))
    array([[100., 100., 150.]])
    """

    name = "harmonic_mean"

    def __init__(self, count: int = 5) -> None:
        self.count = check_count(count)

    def estimates(self, rate_mbps: Floats) -> Floats:
        """Return the harmonic mean of the last ``count`` rates after each sample."""
        return 1.0 / trailing_mean(1.0 / rate_mbps, self.count)
