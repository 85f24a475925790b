"""The tables of the release before, which its replicas still use while a cluster is upgraded.

What they write there is moved to `pba.store.tables`; the next release drops them.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)

from pba.store.tables import metadata

__all__ = ["old_forecasts", "old_outcomes", "old_records"]

_Id = BigInteger().with_variant(Integer, "sqlite")

old_forecasts = Table(
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

``said`` is what `pba.scoring.forecast_body.pack` takes, as JSON, ``made_us`` when it was computed.
``served`` is false for forecasts of the arm that the caller did not receive.
"""

old_outcomes = Table(
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

old_records = Table(
    "records",
    metadata,
    Column("link", BigInteger, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)
"""Link records, JSON as `pba.forecasting.link_record.LinkRecord.to_json` writes it."""
