"""The first tables, as they were: `pba.store.tables` is how they are now."""

import sqlalchemy as sa
from alembic import op

revision = "v1"
down_revision = None


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("link_id", sa.String(length=200), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_events_at", "events", ["at_us"], unique=False)
    op.create_table(
        "forecasts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("link", sa.BigInteger(), nullable=False),
        sa.Column("after_us", sa.BigInteger(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("version", sa.String(length=200), server_default="", nullable=False),
        sa.Column("step_s", sa.Float(precision=53), nullable=False),
        sa.Column("took_ms", sa.Float(precision=53), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("open", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "link", "after_us", "version", name=op.f("uq_forecasts_link_after_us_version")
        ),
    )
    op.create_index(
        "ix_forecasts_open",
        "forecasts",
        ["link"],
        unique=False,
        sqlite_where=sa.text('"open"'),
        postgresql_where=sa.text('"open"'),
    )
    op.create_table(
        "links",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("link_id", sa.String(length=200), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=True),
        sa.Column("mode_since_us", sa.BigInteger(), nullable=True),
        sa.Column("candidate", sa.String(length=16), nullable=True),
        sa.Column("checked_us", sa.BigInteger(), nullable=True),
        sa.Column("switches", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("newest_us", sa.BigInteger(), nullable=False),
        sa.Column("heard_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("link_id", name=op.f("uq_links_link_id")),
    )
    op.create_table(
        "outcomes",
        sa.Column("forecast", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("steps", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("link", sa.BigInteger(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("forecast_mbps", sa.Float(precision=53), nullable=False),
        sa.Column("confidence", sa.Float(precision=53), nullable=False),
        sa.Column("actual_mbps", sa.Float(precision=53), nullable=False),
        sa.Column("hit", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("forecast", "steps"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_outcomes_link", "outcomes", ["link", "at_us"], unique=False)
    op.create_table(
        "records",
        sa.Column("link", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("link"),
    )
    op.create_table(
        "samples",
        sa.Column("link", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bandwidth_mbps", sa.Float(precision=53), nullable=False),
        sa.Column("latency_ms", sa.Float(precision=53), nullable=True),
        sa.Column("packet_loss", sa.Float(precision=53), nullable=True),
        sa.Column("jitter_ms", sa.Float(precision=53), nullable=True),
        sa.Column("throughput_mbps", sa.Float(precision=53), nullable=True),
        sa.PrimaryKeyConstraint("link", "at_us"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tallies",
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("steps", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("scored", sa.Float(precision=53), server_default=sa.text("0"), nullable=False),
        sa.Column("hits", sa.Float(precision=53), server_default=sa.text("0"), nullable=False),
        sa.Column("over", sa.Float(precision=53), server_default=sa.text("0"), nullable=False),
        sa.Column("under", sa.Float(precision=53), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "covered_50", sa.Float(precision=53), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "covered_90", sa.Float(precision=53), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "confidence", sa.Float(precision=53), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "error_mbps", sa.Float(precision=53), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "absolute_error_mbps",
            sa.Float(precision=53),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("mode", "source", "version", "steps"),
    )
