"""The first schema, as it was. The current one is `pba.store.tables`."""

import sqlalchemy as sa
from alembic import op

revision = "v1"
down_revision = None

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
    """Create all tables."""
    _create_events()
    _create_forecasts()
    _create_links()
    _create_outcomes()
    _create_records()
    _create_samples()
    _create_aggregates()


def _create_events() -> None:
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


def _create_forecasts() -> None:
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


def _create_links() -> None:
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


def _create_outcomes() -> None:
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


def _create_records() -> None:
    op.create_table(
        "records",
        sa.Column("link", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("link"),
    )


def _create_samples() -> None:
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


def _create_aggregates() -> None:
    op.create_table(
        "tallies",
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("steps", sa.SmallInteger(), autoincrement=False, nullable=False),
        *(
            sa.Column(name, sa.Float(precision=53), server_default=sa.text("0"), nullable=False)
            for name in _SUMS
        ),
        sa.PrimaryKeyConstraint("mode", "source", "version", "steps"),
    )
