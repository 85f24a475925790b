"""The tables of the telemetry store. Times are whole microseconds since 1970, UTC."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)

__all__ = [
    "aggregates",
    "events",
    "flags",
    "forecasts",
    "links",
    "metadata",
    "outcomes",
    "records",
    "samples",
]

metadata = MetaData(naming_convention={"uq": "uq_%(table_name)s_%(column_0_N_name)s"})
_Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite increments INTEGER keys only

links = Table(
    "links",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("link_id", String(200), nullable=False),
    Column("mode", String(16)),
    Column("mode_since_us", BigInteger),
    Column("candidate", String(16)),
    Column("checked_us", BigInteger),
    Column("switches", Integer, nullable=False, server_default=text("0")),
    Column("newest_us", BigInteger, nullable=False),
    Column("heard_us", BigInteger, nullable=False),
    UniqueConstraint("link_id"),
)
"""One row per link: its mode as last detected, and the times of newest sample and last report."""

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
    sqlite_with_rowid=False,
)
"""Measurements, null where not measured. The key makes samples idempotent."""

forecasts = Table(
    "forecasts",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("link", BigInteger, nullable=False),
    Column("after_us", BigInteger, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("mode", String(16), nullable=False),
    Column("source", String(16), nullable=False),
    Column("version", String(200), nullable=False, server_default=""),
    Column("arm", String(8), nullable=False, server_default="v3"),
    Column("served", Boolean, nullable=False, server_default=true()),
    Column("step_s", Float(53), nullable=False),
    Column("took_ms", Float(53), nullable=False),
    Column("said", Text, nullable=False),
    Column("open", Boolean, nullable=False, server_default=true()),
    UniqueConstraint("link", "after_us", "arm", "version"),
    Index(
        "ix_forecasts_open", "link", sqlite_where=text('"open"'), postgresql_where=text('"open"')
    ),
)
"""Forecasts based on samples up to ``after_us``; ``open`` until every horizon is settled.

``said`` is `pba.scoring.OpenForecast.prediction` as JSON, ``made_us`` when it was computed.
``served`` is false for forecasts of the arm that the caller did not receive.
"""

outcomes = Table(
    "outcomes",
    metadata,
    Column("forecast", BigInteger, primary_key=True, autoincrement=False),
    Column("steps", SmallInteger, primary_key=True, autoincrement=False),
    Column("link", BigInteger, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("forecast_mbps", Float(53), nullable=False),
    Column("confidence", Float(53), nullable=False),
    Column("actual_mbps", Float(53), nullable=False),
    Column("hit", Boolean, nullable=False, server_default=false()),
    Index("ix_outcomes_link", "link", "at_us"),
    sqlite_with_rowid=False,
)
"""Scored forecasts, a row per horizon. The key prevents that one is scored twice."""

records = Table(
    "records",
    metadata,
    Column("link", BigInteger, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)
"""Link records, JSON as `pba.forecasting.link_record.LinkRecord.to_json` writes it."""

aggregates = Table(
    "tallies",
    metadata,
    Column("mode", String(16), primary_key=True),
    Column("source", String(16), primary_key=True),
    Column("version", String(200), primary_key=True),
    Column("arm", String(8), primary_key=True, server_default="v3"),
    Column("served", Boolean, primary_key=True, server_default=true()),
    Column("steps", SmallInteger, primary_key=True, autoincrement=False),
    *(
        Column(name, Float(53), nullable=False, server_default=text("0"))
        for name in (
            "scored",
            "hits",
            "over",
            "under",
            "covered_50",
            "covered_90",
            "confidence",
            "error_mbps",
            "absolute_error_mbps",
        )
    ),
)
"""Sums over all outcomes ever scored; they are kept when the outcomes are deleted."""

events = Table(
    "events",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("link_id", String(200)),
    Column("body", Text, nullable=False),
    Index("ix_events_at", "at_us"),
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
