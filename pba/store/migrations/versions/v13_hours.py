"""Sums by the hour beside those by minute, for series over weeks.

Nothing else changes, so replicas of `v7` to `v12` run beside this release's, for an hour at least.
Nothing is copied: hours that the release before may still add to have no sums, and their minutes
are read until they are too old to be kept.
"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "v13"
down_revision = "v12"

_HOUR_US = 3_600_000_000
_SUMS = (
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
_BINS: dict[str, Any] = {"scored": sa.Integer(), "hits": sa.Integer(), "confidence": sa.Float(53)}


def upgrade() -> None:
    """Create the tables."""
    codes = ("mode", "source", "arm", "steps")
    op.create_table(
        "hour_aggregates",
        _key("hour_us", sa.BigInteger()),
        *(_key(name, sa.SmallInteger()) for name in codes),
        _key("version", sa.Integer()),
        sa.Column("served", sa.Boolean(), nullable=False),
        *(_sum(name) for name in _SUMS),
        *(_sum(f"{name}_{at}", kind) for name, kind in _BINS.items() for at in range(10)),
        sa.PrimaryKeyConstraint("hour_us", *codes, "version", "served"),
    )
    op.create_table(
        "hour_latencies",
        _key("hour_us", sa.BigInteger()),
        _key("mode", sa.SmallInteger()),
        _key("bin", sa.SmallInteger()),
        *(_sum(name) for name in ("forecasts", "took_ms", "most_ms")),
        sa.PrimaryKeyConstraint("hour_us", "mode", "bin"),
    )
    op.create_table(
        "hour_groups",
        _key("hour_us", sa.BigInteger()),
        sa.Column("name", sa.String(length=200), nullable=False),
        *(_sum(name) for name in _SUMS),
        sa.PrimaryKeyConstraint("hour_us", "name"),
    )
    since = op.create_table(
        "hours_since",
        _key("id", sa.SmallInteger()),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.bulk_insert(since, [{"id": 1, "since_us": _since_us()}])
    releases = sa.table("schema_releases", sa.column("revision", sa.String))
    op.bulk_insert(releases, [{"revision": revision}])


def _since_us() -> int:
    """Return the start of the next hour but one; of all time for a new database."""
    minutes = sa.table("minute_aggregates", sa.column("minute_us", sa.BigInteger))
    newest_us = op.get_bind().execute(sa.select(sa.func.max(minutes.c.minute_us))).scalar()
    if newest_us is None:
        return 0
    now_us = max(int(datetime.now(UTC).timestamp() * 1e6), newest_us)
    return int(now_us // _HOUR_US + 2) * _HOUR_US


def _key(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, autoincrement=False, nullable=False)


def _sum(name: str, kind: Any = None) -> sa.Column[Any]:
    return sa.Column(name, kind or sa.Float(53), server_default=sa.text("0"), nullable=False)
