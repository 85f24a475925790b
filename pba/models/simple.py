"""The simple forecasters that are members of every link's forecast, by name."""

from collections.abc import Mapping

from pba.models.ewma import Ewma
from pba.models.harmonic_mean import HarmonicMean
from pba.models.last_value import LastValue
from pba.models.residuals import RuleForecaster

__all__ = ["SIMPLE_FORECASTERS"]

SIMPLE_FORECASTERS: Mapping[str, RuleForecaster] = {
    forecaster.name: forecaster for forecaster in (LastValue(), Ewma(), HarmonicMean())
}
"""Each accepts any window of at least two samples."""
