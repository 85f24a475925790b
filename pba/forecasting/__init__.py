"""One forecast: planning, model calls, fixed share, ensemble, calibration, allocation, assembly.

`ForecastJob` runs the steps in order. Everything here is pure and synchronous: nothing waits,
stores, or knows where models run. The distribution that a forecaster gives is in `pba.models`.
"""

from pba.forecasting.model_call import ModelCall, ModelFailure, ModelOutput
from pba.forecasting.planning import ForecastJob, check_history
from pba.forecasting.query import Query
from pba.forecasting.result import ForecastResult

__all__ = [
    "ForecastJob",
    "ForecastResult",
    "ModelCall",
    "ModelFailure",
    "ModelOutput",
    "Query",
    "check_history",
]
