"""Compact forecasts beside their actuals, aggregates by minute, due links, leases, partitions.

The tables of `v2` stay beside the new ones, so that replicas of both releases run side by side.
Nothing is copied here. On PostgreSQL the old table of samples becomes the default partition of the
new one, which needs no look at its rows.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem

revision = "v3"
down_revision = "v2"

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
    """Create the new tables."""
    _create_schema_releases()
    _create_aggregate_deltas()
    _create_deleted_links()
    _create_due_links()
    _create_forecasts()
    _create_leases()
    _create_link_records()
    _create_minute_aggregates()
    _create_mode_drift()
    _create_mode_outcomes()
    _create_pair_results()
    _create_versions()
    _create_report_tables()
    # Last, since other writers wait from here on until the end of the transaction.
    _create_events_index()
    if op.get_bind().dialect.name == "postgresql":
        _partition_samples()
    else:
        _keep_keys_unique()


def _create_schema_releases() -> None:
    releases = op.create_table(
        "schema_releases",
        sa.Column("revision", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("revision"),
    )
    op.bulk_insert(releases, [{"revision": revision}])


def _create_aggregate_deltas() -> None:
    op.create_table(
        "aggregate_deltas",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("minute_us", sa.BigInteger(), nullable=False),
        sa.Column("mode", sa.SmallInteger(), nullable=False),
        sa.Column("source", sa.SmallInteger(), nullable=False),
        sa.Column("arm", sa.SmallInteger(), nullable=False),
        sa.Column("steps", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("served", sa.Boolean(), nullable=False),
        *_sums(*_SUMS),
        sa.Column("newest_us", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _create_deleted_links() -> None:
    op.create_table(
        "deleted_links",
        sa.Column("link", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("link"),
    )


def _create_due_links() -> None:
    op.create_table(
        "due_links",
        sa.Column("link", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("claimed_us", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("link"),
    )
    op.create_index("ix_due_links_since", "due_links", ["since_us"], unique=False)


def _create_forecasts() -> None:
    partitioned = {"postgresql_partition_by": "RANGE (after_us)"}
    tables: dict[str, dict[str, Any]] = {"open_forecasts": {}, "forecast_log": partitioned}
    for name, options in tables.items():
        op.create_table(
            name,
            sa.Column("link", sa.BigInteger(), autoincrement=False, nullable=False),
            sa.Column("after_us", sa.BigInteger(), autoincrement=False, nullable=False),
            sa.Column("created_us", sa.BigInteger(), nullable=False),
            sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("step_s", sa.REAL(), nullable=False),
            sa.Column("took_ms", sa.REAL(), nullable=False),
            sa.Column("actual_1_mbps", sa.REAL(), nullable=True),
            sa.Column("actual_5_mbps", sa.REAL(), nullable=True),
            sa.Column("actual_15_mbps", sa.REAL(), nullable=True),
            sa.Column("arm", sa.SmallInteger(), autoincrement=False, nullable=False),
            sa.Column("mode", sa.SmallInteger(), nullable=False),
            sa.Column("source", sa.SmallInteger(), nullable=False),
            sa.Column("served", sa.Boolean(), nullable=False),
            sa.Column("body", sa.LargeBinary(), nullable=False),
            sa.PrimaryKeyConstraint("link", "after_us", "arm", "version"),
            sqlite_with_rowid=False,
            **options,
        )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE TABLE forecast_log_default PARTITION OF forecast_log DEFAULT")
        # Each row changes twice before it goes: in its page, if that has room for two versions.
        op.execute(
            "ALTER TABLE open_forecasts SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1)"
        )


def _create_leases() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("until_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _create_link_records() -> None:
    op.create_table(
        "link_records",
        sa.Column("link", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("drift", sa.LargeBinary(), nullable=True),
        sa.Column("alarm", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("link"),
    )
    op.create_index(
        "ix_link_records_alarm",
        "link_records",
        ["link"],
        unique=False,
        sqlite_where=sa.text('"alarm"'),
        postgresql_where=sa.text('"alarm"'),
    )


def _create_minute_aggregates() -> None:
    op.create_table(
        "minute_aggregates",
        sa.Column("minute_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mode", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("source", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("arm", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("steps", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("served", sa.Boolean(), nullable=False),
        *_sums(*_SUMS),
        sa.PrimaryKeyConstraint("minute_us", "mode", "source", "arm", "steps", "version", "served"),
    )


def _create_mode_drift() -> None:
    op.create_table(
        "mode_drift",
        sa.Column("mode", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("mode"),
    )


def _create_mode_outcomes() -> None:
    op.create_table(
        "mode_outcomes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mode", sa.SmallInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _create_pair_results() -> None:
    op.create_table(
        "pair_results",
        sa.Column("link", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("after_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("mode", sa.SmallInteger(), nullable=False),
        sa.Column("v1_hit", sa.Boolean(), nullable=False),
        sa.Column("v3_hit", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("link", "after_us"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_pair_results_created", "pair_results", ["created_us"], unique=False)


def _create_versions() -> None:
    op.create_table(
        "versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", name=op.f("uq_versions_name")),
    )


def _create_events_index() -> None:
    op.create_index("ix_events_kind", "events", ["kind", "id"], unique=False)
    op.create_index("ix_events_link", "events", ["link_id", "kind", "id"], unique=False)


def _create_report_tables() -> None:
    op.add_column("tallies", sa.Column("newest_us", sa.BigInteger(), nullable=True))
    pairs, latencies = ["from_us", "mode"], ["minute_us", "mode", "bin"]
    op.create_table("pair_aggregates", *_keyed(pairs), *_pair_sums())
    op.create_table("hour_pair_aggregates", *_keyed(["hour_us", "mode"]), *_pair_sums())
    op.create_table("pair_deltas", *_numbered(pairs), *_pair_sums())
    op.create_table("minute_latencies", *_keyed(latencies), *_latency_sums())
    op.create_table("latency_deltas", *_numbered(latencies), *_latency_sums())
    op.create_table(
        "link_counts",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("links", sa.BigInteger(), nullable=False),
        sa.Column("mode_switches", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _columns(names: list[str]) -> list[sa.Column[Any]]:
    types = dict.fromkeys(("from_us", "minute_us", "hour_us"), sa.BigInteger())
    return [
        sa.Column(name, types.get(name, sa.SmallInteger()), autoincrement=False, nullable=False)
        for name in names
    ]


def _keyed(names: list[str]) -> list[SchemaItem]:
    return [*_columns(names), sa.PrimaryKeyConstraint(*names)]


def _numbered(names: list[str]) -> list[SchemaItem]:
    key = sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)
    return [key, *_columns(names), sa.PrimaryKeyConstraint("id")]


def _pair_sums() -> list[sa.Column[float]]:
    sums = ("hits", "absolute_error_mbps", "error_mbps", "took_ms")
    by_arm = [f"{arm}_{name}" for arm in ("v1", "v3") for name in sums]
    return _sums("pairs", "v3_only", "v1_only", *by_arm)


def _latency_sums() -> list[sa.Column[float]]:
    return _sums("forecasts", "took_ms", "most_ms")


def _partition_samples() -> None:
    op.execute("ALTER TABLE samples RENAME TO samples_default")
    op.execute("ALTER TABLE samples_default RENAME CONSTRAINT samples_pkey TO samples_default_pkey")
    op.create_table(
        "samples",
        sa.Column("link", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bandwidth_mbps", sa.Float(53), nullable=False),
        sa.Column("latency_ms", sa.Float(53), nullable=True),
        sa.Column("packet_loss", sa.Float(53), nullable=True),
        sa.Column("jitter_ms", sa.Float(53), nullable=True),
        sa.Column("throughput_mbps", sa.Float(53), nullable=True),
        sa.PrimaryKeyConstraint("link", "at_us"),
        postgresql_partition_by="RANGE (at_us)",
    )
    op.execute("ALTER TABLE samples ATTACH PARTITION samples_default DEFAULT")


def _keep_keys_unique() -> None:
    """Have SQLite never give a deleted link's key to another one: its rows may still be there."""
    unique = {"sqlite_autoincrement": True}
    with op.batch_alter_table("links", recreate="always", table_kwargs=unique):
        pass


def _sums(*names: str) -> list[sa.Column[float]]:
    zero = sa.text("0")
    return [sa.Column(name, sa.Float(53), server_default=zero, nullable=False) for name in names]
