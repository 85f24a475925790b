"""Blocks of the rollout's test, and what links add to it.

Nothing else changes, so replicas of `v5` run beside this release's.
"""

import sqlalchemy as sa
from alembic import op

revision = "v6"
down_revision = "v5"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "link_pair_sums",
        sa.Column("link", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mode", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("link", "mode"),
    )
    op.create_index("ix_link_pair_sums_since", "link_pair_sums", ["since_us"], unique=False)
    op.create_table(
        "verdict_blocks",
        sa.Column("since_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mode", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("block", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=False),
        sa.Column("length_us", sa.BigInteger(), nullable=False),
        sa.Column("pairs", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("links", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.Float(precision=53), nullable=False),
        sa.Column("verdict", sa.String(length=9), nullable=False),
        sa.PrimaryKeyConstraint("since_us", "mode", "block"),
    )
    releases = sa.table("schema_releases", sa.column("revision", sa.String))
    op.bulk_insert(releases, [{"revision": revision}])
