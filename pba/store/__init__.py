"""The telemetry store: samples, forecasts, outcomes, link records, flags and events in a database.

`Store` is the public interface; each of its calls is one transaction on SQLite or PostgreSQL. The
other modules hold the SQL statements of one topic each. How a forecast is scored
(`pba.scoring`), what a flag means (`pba.rollout`) and when to score or to clean up
(`pba.monitoring`) are decided elsewhere.
"""

from pba.store.due_links import Claim
from pba.store.flag_table import FlagState
from pba.store.scored_links import ScoredLinks
from pba.store.scoring_store import ScoringStore
from pba.store.store import Store
from pba.store.values import (
    LinkContext,
    LinkState,
    Receipt,
    RefusedSample,
    SampleReport,
    StoredForecast,
    WriteBatch,
)

__all__ = [
    "Claim",
    "FlagState",
    "LinkContext",
    "LinkState",
    "Receipt",
    "RefusedSample",
    "SampleReport",
    "ScoredLinks",
    "ScoringStore",
    "Store",
    "StoredForecast",
    "WriteBatch",
]
