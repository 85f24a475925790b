"""Bins of confidence beside the sums by minute, and sums of groups of links.

Nothing else changes, so replicas of `v7` to `v11` run beside this release's. What those score, or
add up, is in no bin and in no group.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "v12"
down_revision = "v11"

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


def upgrade() -> None:
    """Add the columns and create the tables."""
    kinds: dict[str, Any] = {"scored": sa.Integer(), "hits": sa.Integer()}
    kinds["confidence"] = sa.Float(precision=53)
    for table in ("minute_aggregates", "aggregate_deltas"):
        for name, kind in kinds.items():
            for at in range(10):
                op.add_column(table, _sum(f"{name}_{at}", kind))
    op.create_table(
        "link_groups",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("links", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "minute_groups",
        sa.Column("minute_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        *(_sum(name, kinds["confidence"]) for name in _SUMS),
        sa.PrimaryKeyConstraint("minute_us", "name"),
    )
    op.create_table(
        "group_deltas",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("minute_us", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        *(_sum(name, kinds["confidence"]) for name in _SUMS),
        sa.PrimaryKeyConstraint("id"),
    )
    releases = sa.table("schema_releases", sa.column("revision", sa.String))
    op.bulk_insert(releases, [{"revision": revision}])


def _sum(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, server_default=sa.text("0"), nullable=False)
