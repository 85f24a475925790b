"""The tables with sums of outcomes: of all time, by minute and hour, and what is still to add."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Integer,
    SmallInteger,
    String,
    Table,
    text,
    true,
)

from pba.scoring.outcome_sums import BINS
from pba.store.tables import metadata, row_id

__all__ = [
    "ACCURACY_SUMS",
    "BIN_SUMS",
    "accuracy_sums",
    "aggregate_deltas",
    "aggregates",
    "hour_aggregates",
    "minute_aggregates",
]

_ACCURACY = ("scored", "hits", "over", "under", "covered_50", "covered_90")
ACCURACY_SUMS = (*_ACCURACY, "confidence", "error_mbps", "absolute_error_mbps")
"""The sums of outcomes, of which accuracy, bias and coverage are made."""

BIN_SUMS = tuple(f"{kind}_{at}" for kind in ("scored", "hits", "confidence") for at in range(BINS))
"""How many outcomes had a confidence in each bin, how many of them hit, and the sum of theirs."""


def accuracy_sums() -> list[Column[float]]:
    """Return the columns of `ACCURACY_SUMS`."""
    zero = text("0")
    return [Column(name, Float(53), nullable=False, server_default=zero) for name in ACCURACY_SUMS]


def _bin_sums() -> list[Column[Any]]:
    kinds: list[Any] = [*[Integer] * 2 * BINS, *[Float(53)] * BINS]
    return [
        Column(name, kind, nullable=False, server_default=text("0"))
        for name, kind in zip(BIN_SUMS, kinds, strict=True)
    ]


aggregates = Table(
    "tallies",
    metadata,
    Column("mode", String(16), primary_key=True),
    Column("source", String(16), primary_key=True),
    Column("version", String(200), primary_key=True),
    Column("arm", String(8), primary_key=True, server_default="v3"),
    Column("served", Boolean, primary_key=True, server_default=true()),
    Column("steps", SmallInteger, primary_key=True, autoincrement=False),
    *accuracy_sums(),
    Column("newest_us", BigInteger),
)
"""Sums over all outcomes ever scored; they are kept when the forecasts are deleted.

``newest_us`` is when the newest forecast among them was computed; null from the release before.
"""


def _time_key(primary: bool, time_us: str = "minute_us") -> list[Column[Any]]:
    kinds: dict[str, Any] = {time_us: BigInteger, "mode": SmallInteger, "source": SmallInteger}
    kinds |= {"arm": SmallInteger, "steps": SmallInteger, "version": Integer, "served": Boolean}
    return [
        Column(name, kind, primary_key=primary, autoincrement=False, nullable=False)
        for name, kind in kinds.items()
    ]


minute_aggregates = Table(
    "minute_aggregates",
    metadata,
    *_time_key(primary=True),
    *accuracy_sums(),
    *_bin_sums(),
)
"""The same sums, and `BIN_SUMS`, by the minute in which the forecasts were computed, by the
service's clock.
"""

hour_aggregates = Table(
    "hour_aggregates",
    metadata,
    *_time_key(primary=True, time_us="hour_us"),
    *accuracy_sums(),
    *_bin_sums(),
)
"""The same by the hour, from `pba.store.report_tables.hours_since` on: series over weeks read few
rows.
"""

aggregate_deltas = Table(
    "aggregate_deltas",
    metadata,
    Column("id", row_id, primary_key=True),
    *_time_key(primary=False),
    *accuracy_sums(),
    Column("newest_us", BigInteger, nullable=False, server_default=text("0")),
    *_bin_sums(),
)
"""What each batch of outcomes adds to the aggregates, until it is added: no two Monitors meet."""
