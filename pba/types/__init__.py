"""The domain's values: sample, history, mode, forecast, event, and their limits.

They are immutable and know their wire form. A history checks its samples when it is constructed.
Profiles of the modes' networks are here too. Nothing here computes a forecast or does I/O; request
and response models of the API are in `deployments.ingress`.
"""

from pba.types.arrays import Booleans, Floats
from pba.types.event import Event
from pba.types.forecast import (
    HORIZONS,
    INTERVALS,
    QUANTILES,
    Allocation,
    Forecast,
    HorizonForecast,
    IntervalForecast,
    Member,
)
from pba.types.history import History
from pba.types.mode import NetworkMode, parse_mode
from pba.types.sample import (
    COLUMNS,
    LIMITS,
    Limit,
    NetworkMetrics,
    check_link_id,
)
from pba.types.sample_table import SampleTable
from pba.types.times import rfc3339_of

__all__ = [
    "COLUMNS",
    "HORIZONS",
    "INTERVALS",
    "LIMITS",
    "QUANTILES",
    "Allocation",
    "Booleans",
    "Event",
    "Floats",
    "Forecast",
    "History",
    "HorizonForecast",
    "IntervalForecast",
    "Limit",
    "Member",
    "NetworkMetrics",
    "NetworkMode",
    "SampleTable",
    "check_link_id",
    "parse_mode",
    "rfc3339_of",
]
