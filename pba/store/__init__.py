"""The telemetry store: samples, forecasts, outcomes, what was learnt of each link, and events."""

from pba.store.flag_table import FlagState
from pba.store.rows import LinkContext, LinkState, Receipt, SampleReport, StoredForecast
from pba.store.store import Store, WriteBatch

__all__ = [
    "WriteBatch",
    "FlagState",
    "LinkContext",
    "LinkState",
    "Receipt",
    "SampleReport",
    "StoredForecast",
    "Store",
]
