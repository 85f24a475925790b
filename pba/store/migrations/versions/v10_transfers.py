"""Forecasts of transfers that wait to be scored, and their sums.

Nothing else changes, so replicas of `v7` to `v9` run beside this release's.
"""

import sqlalchemy as sa
from alembic import op

revision = "v10"
down_revision = "v9"

_SUMS = ("scored", "censored", "unscored", "inside", "faster", "slower")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "open_transfers",
        sa.Column("link", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("after_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("look_us", sa.BigInteger(), nullable=False),
        sa.Column("step_s", sa.REAL(), nullable=False),
        sa.Column("deadline_s", sa.Float(precision=53), nullable=True),
        sa.Column("mode", sa.SmallInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("link", "after_us", "size_bytes"),
    )
    op.create_index("ix_open_transfers_look", "open_transfers", ["look_us"], unique=False)
    for name, key in (("link_transfers", "link"), ("transfer_totals", "mode")):
        kind = sa.BigInteger() if key == "link" else sa.SmallInteger()
        op.create_table(
            name,
            sa.Column(key, kind, autoincrement=False, nullable=False),
            *_sums(),
            sa.PrimaryKeyConstraint(key),
        )
    releases = sa.table("schema_releases", sa.column("revision", sa.String))
    op.bulk_insert(releases, [{"revision": revision}])


def _sums() -> list[sa.Column[float]]:
    zero = sa.text("0")
    return [sa.Column(name, sa.Float(53), server_default=zero, nullable=False) for name in _SUMS]
