"""The tables of what reports sum up beside `minute_aggregates`: pairs of arms, latencies, links.

As there, each batch of outcomes appends deltas, and a job adds them to the sums of the minutes.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Float, Integer, SmallInteger, String, Table, text

from pba.store.aggregate_tables import accuracy_sums
from pba.store.tables import metadata

__all__ = [
    "HOUR_US",
    "PAIR_SUMS",
    "group_deltas",
    "hour_groups",
    "hour_latencies",
    "hour_pair_aggregates",
    "hours_since",
    "latency_deltas",
    "link_counts",
    "link_groups",
    "minute_groups",
    "minute_latencies",
    "pair_aggregates",
    "pair_deltas",
]

HOUR_US = 3_600_000_000
"""One hour, microseconds."""

_Id = BigInteger().with_variant(Integer, "sqlite")

PAIR_SUMS = (
    "pairs",
    "v3_only",
    "v1_only",
    *(
        f"{arm}_{name}"
        for arm in ("v1", "v3")
        for name in ("hits", "absolute_error_mbps", "error_mbps", "took_ms")
    ),
)
"""The sums over pairs: how many, of them in band by one arm only, and by arm."""


def _key(primary: bool, *names: str) -> list[Column[Any]]:
    options: dict[str, Any] = {"primary_key": True, "autoincrement": False} if primary else {}
    types = dict.fromkeys(("minute_us", "hour_us", "from_us"), BigInteger)
    return [
        Column(name, types.get(name, SmallInteger), nullable=False, **options) for name in names
    ]


def _sums(*names: str) -> list[Column[float]]:
    return [Column(name, Float(53), nullable=False, server_default=text("0")) for name in names]


pair_aggregates = Table(
    "pair_aggregates", metadata, *_key(True, "from_us", "mode"), *_sums(*PAIR_SUMS)
)
"""Sums over pairs of forecasts one step ahead, v1's and v3's after one sample, by v3's mode.

``from_us`` is the start of the minute in which the later one was computed; or the last change of
the flags, where that lies between: so the sums since then are exact.
"""

hour_pair_aggregates = Table(
    "hour_pair_aggregates", metadata, *_key(True, "hour_us", "mode"), *_sums(*PAIR_SUMS)
)
"""The same sums by the hour in which ``from_us`` lies: a report over days reads few rows."""

pair_deltas = Table(
    "pair_deltas",
    metadata,
    Column("id", _Id, primary_key=True),
    *_key(False, "from_us", "mode"),
    *_sums(*PAIR_SUMS),
)
"""What each batch of outcomes adds to `pair_aggregates`, until it is added."""

minute_latencies = Table(
    "minute_latencies",
    metadata,
    *_key(True, "minute_us", "mode", "bin"),
    *_sums("forecasts", "took_ms", "most_ms"),
)
"""Served forecasts by the minute in which they were computed and `latency_bin`; the longest too."""

hour_latencies = Table(
    "hour_latencies",
    metadata,
    *_key(True, "hour_us", "mode", "bin"),
    *_sums("forecasts", "took_ms", "most_ms"),
)
"""The same by the hour, as `hour_aggregates`."""

latency_deltas = Table(
    "latency_deltas",
    metadata,
    Column("id", _Id, primary_key=True),
    *_key(False, "minute_us", "mode", "bin"),
    *_sums("forecasts", "took_ms", "most_ms"),
)
"""What each batch of outcomes adds to `minute_latencies`, until it is added."""

link_counts = Table(
    "link_counts",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("links", BigInteger, nullable=False),
    Column("mode_switches", BigInteger, nullable=False),
)
"""At most one row: how many links there are, and their mode switches, as last counted."""

link_groups = Table(
    "link_groups",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("links", BigInteger, nullable=False),
)
"""The largest groups of links, as last counted: those that have sums of their own."""

minute_groups = Table(
    "minute_groups",
    metadata,
    *_key(True, "minute_us"),
    Column("name", String(200), primary_key=True),
    *accuracy_sums(),
)
"""Sums over served forecasts one step ahead by minute and group; the empty name is all others."""

hour_groups = Table(
    "hour_groups",
    metadata,
    *_key(True, "hour_us"),
    Column("name", String(200), primary_key=True),
    *accuracy_sums(),
)
"""The same by the hour, as `hour_aggregates`."""

hours_since = Table(
    "hours_since",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("since_us", BigInteger, nullable=False),
)
"""One row: the start of the first hour with sums by the hour; those of before are by minute alone.

After an upgrade it is so late that the release before adds up no more by then.
"""

group_deltas = Table(
    "group_deltas",
    metadata,
    Column("id", _Id, primary_key=True),
    *_key(False, "minute_us"),
    Column("name", String(200), nullable=False),
    *accuracy_sums(),
)
"""What each batch of outcomes adds to `minute_groups`, until it is added."""
