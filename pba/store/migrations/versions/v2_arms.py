"""Forecasts of two arms, one of them served; the flags."""

import sqlalchemy as sa
from alembic import op

revision = "v2"
down_revision = "v1"

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
    """Add arms; everything stored before counts as v3's and served."""
    _add_arms_to_forecasts()
    _add_arms_to_aggregates()
    _create_flags()


def _add_arms_to_forecasts() -> None:
    with op.batch_alter_table("forecasts") as table:
        for column in _arms():
            table.add_column(column)
        table.drop_constraint("uq_forecasts_link_after_us_version", type_="unique")
        table.create_unique_constraint(
            "uq_forecasts_link_after_us_arm_version", ["link", "after_us", "arm", "version"]
        )


def _add_arms_to_aggregates() -> None:
    op.rename_table("tallies", "tallies_before")  # SQLite cannot change a primary key
    op.create_table(
        "tallies",
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        *_arms(),
        sa.Column("steps", sa.SmallInteger(), autoincrement=False, nullable=False),
        *(
            sa.Column(name, sa.Float(precision=53), server_default=sa.text("0"), nullable=False)
            for name in _SUMS
        ),
        sa.PrimaryKeyConstraint(
            "mode", "source", "version", "arm", "served", "steps", name="pk_tallies"
        ),
    )
    columns = f"mode, source, version, steps, {', '.join(_quoted(name) for name in _SUMS)}"
    op.execute(f"INSERT INTO tallies ({columns}) SELECT {columns} FROM tallies_before")
    op.drop_table("tallies_before")


def _create_flags() -> None:
    op.create_table(
        "flags",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _arms() -> list[sa.Column[object]]:
    return [
        sa.Column("arm", sa.String(length=8), server_default="v3", nullable=False),
        sa.Column("served", sa.Boolean(), server_default=sa.true(), nullable=False),
    ]


def _quoted(name: str) -> str:
    return f'"{name}"'  # OVER is a keyword of SQL
