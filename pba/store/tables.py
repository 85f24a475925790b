"""The tables of the telemetry store. Times are whole microseconds since 1970, UTC."""

from typing import Any

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    Column,
    Computed,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.schema import SchemaItem

__all__ = [
    "ACTUALS",
    "deleted_links",
    "due_links",
    "events",
    "flags",
    "forecasts",
    "leases",
    "links",
    "metadata",
    "mode_drift",
    "mode_outcomes",
    "open_forecasts",
    "pair_results",
    "records",
    "row_id",
    "samples",
    "schema_releases",
    "versions",
]

metadata = MetaData(naming_convention={"uq": "uq_%(table_name)s_%(column_0_N_name)s"})
row_id = BigInteger().with_variant(Integer, "sqlite")
"""The type of keys that count up: SQLite increments INTEGER keys only."""

schema_releases = Table(
    "schema_releases", metadata, Column("revision", String(32), primary_key=True)
)
"""The schema revisions of the releases that may use these tables, see `pba.store.migrate`."""

links = Table(
    "links",
    metadata,
    Column("id", row_id, primary_key=True),
    Column("link_id", String(200), nullable=False),
    Column("mode", String(16)),
    Column("mode_since_us", BigInteger),
    Column("candidate", String(16)),
    Column("checked_us", BigInteger),
    Column("switches", Integer, nullable=False, server_default=text("0")),
    Column("newest_us", BigInteger, nullable=False),
    Column("heard_us", BigInteger, nullable=False),
    Column("newest_minute", BigInteger, Computed("newest_us / 60000000")),
    UniqueConstraint("link_id"),
    Index("ix_links_silent", "newest_minute", "id"),
    sqlite_autoincrement=True,
)
"""One row per link: its mode as last detected, and the times of newest sample and last report.

A key is never given to another link, so what a deleted link leaves behind belongs to nobody.
``newest_minute`` follows ``newest_us``: links are sorted by it, and a report seldom changes it.
"""

deleted_links = Table(
    "deleted_links", metadata, Column("link", BigInteger, primary_key=True, autoincrement=False)
)
"""The keys of links that are gone for all callers, and whose rows are still to be deleted."""

samples = Table(
    "samples",
    metadata,
    Column("link", BigInteger, primary_key=True, autoincrement=False),
    Column("at_us", BigInteger, primary_key=True, autoincrement=False),
    Column("bandwidth_mbps", Float(53), nullable=False),
    Column("latency_ms", Float(53)),
    Column("packet_loss", Float(53)),
    Column("jitter_ms", Float(53)),
    Column("throughput_mbps", Float(53)),
    Column("during_transfer", Boolean),  # an eighth: PostgreSQL has no larger rows for its nulls
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (at_us)",
)
"""Measurements, null where not measured or not marked. The key makes samples idempotent.

Partitioned by time on PostgreSQL (`pba.store.partitions`), as `forecasts`: statements that name
bounds of the time touch the few partitions between them, others all.
"""

due_links = Table(
    "due_links",
    metadata,
    Column("link", BigInteger, primary_key=True, autoincrement=False),
    Column("since_us", BigInteger, nullable=False),
    Column("generation", Integer, nullable=False, server_default=text("0")),
    Column("claimed_us", BigInteger, nullable=False, server_default=text("0")),
    Index("ix_due_links_since", "since_us"),
)
"""Links with samples that no Monitor has looked at: since when, by the service's clock.

``generation`` counts the reports since then: a Monitor removes the row only if none came meanwhile.
``claimed_us`` is until when a Monitor has the link to itself.
"""


def _forecast_columns() -> list[SchemaItem]:
    # From wide to narrow, so that PostgreSQL has nothing to fill up.
    kinds: dict[str, Any] = dict.fromkeys(("link", "after_us", "created_us"), BigInteger)
    kinds |= {"version": Integer, "step_s": REAL, "took_ms": REAL}
    kinds |= dict.fromkeys(_POINTS, REAL) | dict.fromkeys(("arm", "mode", "source"), SmallInteger)
    kinds |= {"served": Boolean, "body": LargeBinary}
    kinds |= dict.fromkeys(_MEANS, REAL)  # last, where `v7` adds them
    return [
        *(Column(name, kind, nullable=name in ACTUALS) for name, kind in kinds.items()),
        PrimaryKeyConstraint("link", "after_us", "arm", "version"),
    ]


_POINTS = ("actual_1_mbps", "actual_5_mbps", "actual_15_mbps")
_MEANS = ("mean_5_mbps", "mean_15_mbps", "mean_60_mbps")
ACTUALS = (*_POINTS, *_MEANS)
"""The columns of a forecast's actuals: horizons, then intervals."""
open_forecasts = Table("open_forecasts", metadata, *_forecast_columns(), sqlite_with_rowid=False)
"""Forecasts based on samples up to ``after_us`` that wait for actuals, with those that are known.

``mode``, ``source`` and ``arm`` are codes of `pba.scoring.codes`, ``version`` is a key of
`versions`, and ``body`` is a prediction as `pba.scoring.forecast_body` packs it. ``served`` is
false for forecasts of the arm that the caller did not receive.
"""

forecasts = Table(
    "forecast_log",
    metadata,
    *_forecast_columns(),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (after_us)",
)
"""Forecasts that wait for nothing any more. Rows come from `open_forecasts` and never change.

PostgreSQL keeps the old version of a row that changes, so a log that is only appended to takes half
the space. ``body`` lacks the points of the members, which outcomes alone need, but for forecasts of
the release before. A forecast that was recorded again is in both tables: the one here counts.
"""

versions = Table(
    "versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False),
    UniqueConstraint("name"),
)
"""The names of model versions; the empty name is that of no model."""

records = Table(
    "link_records",
    metadata,
    Column("link", BigInteger, primary_key=True, autoincrement=False),
    Column("generation", Integer, nullable=False, server_default=text("0")),
    Column("body", LargeBinary, nullable=False),
    Column("drift", LargeBinary),
    Column("alarm", Boolean, nullable=False, server_default=false()),
    Column("accuracy_permille", SmallInteger),
    Column("drift_size", Float(53)),
    Index(
        "ix_link_records_alarm",
        "link",
        sqlite_where=text('"alarm"'),
        postgresql_where=text('"alarm"'),
    ),
    Index("ix_link_records_accuracy", "accuracy_permille", "link"),
    Index("ix_link_records_drift", "drift_size", "link"),
)
"""Link records as `pba.forecasting.link_record` packs them, and the state of drift detection.

``generation`` counts the changes, so that of two Monitors with one link only one writes. ``alarm``
is whether an alarm of the link is open. What links are sorted by is null until this release has
scored the link, or a Monitor has filled it in: `accuracy_permille`, and the size of
the open alarm, 0 without one.
"""

mode_outcomes = Table(
    "mode_outcomes",
    metadata,
    Column("id", row_id, primary_key=True),
    Column("mode", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
"""Outcomes that a mode's drift detector has not seen yet, a batch a row."""

mode_drift = Table(
    "mode_drift",
    metadata,
    Column("mode", SmallInteger, primary_key=True, autoincrement=False),
    Column("state", LargeBinary, nullable=False),
)
"""The state of each mode's drift detector; advanced under a lock of its row."""

pair_results = Table(
    "pair_results",
    metadata,
    Column("link", BigInteger, primary_key=True, autoincrement=False),
    Column("after_us", BigInteger, primary_key=True, autoincrement=False),
    Column("created_us", BigInteger, nullable=False),
    Column("mode", SmallInteger, nullable=False),
    Column("v1_hit", Boolean, nullable=False),
    Column("v3_hit", Boolean, nullable=False),
    Index("ix_pair_results_created", "created_us"),
    sqlite_with_rowid=False,
)
"""Forecasts one step ahead of both arms after one sample of a link: which of them are in band."""

leases = Table(
    "leases",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("holder", String(80), nullable=False),
    Column("until_us", BigInteger, nullable=False),
)
"""Jobs that one Monitor at a time does, and until when it has them to itself."""

events = Table(
    "events",
    metadata,
    Column("id", row_id, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("link_id", String(200)),
    Column("body", Text, nullable=False),
    Index("ix_events_at", "at_us"),
    Index("ix_events_kind", "kind", "id"),
    Index("ix_events_link", "link_id", "kind", "id"),
)
"""Events of the service and its links: mode switches, alarms, promotions, changes of flags."""

flags = Table(
    "flags",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    Column("changed_by", String(200), nullable=False),
    Column("body", Text, nullable=False),
)
"""At most one row: the flags, JSON as `pba.rollout.Flags.as_dict`, and their version."""
