"""What links are sorted by: how long they are silent, accuracy, and drift.

Nothing else changes, so replicas of `v7` to `v10` run beside this release's. What those score has
its accuracy of before until this release scores the link again. A Monitor fills in the values of
links that it does not score.
"""

import sqlalchemy as sa
from alembic import op

revision = "v11"
down_revision = "v10"


def upgrade() -> None:
    """Add the columns and their indexes."""
    op.add_column("link_records", sa.Column("accuracy_permille", sa.SmallInteger(), nullable=True))
    op.add_column("link_records", sa.Column("drift_size", sa.Float(precision=53), nullable=True))
    for name, column in (("accuracy", "accuracy_permille"), ("drift", "drift_size")):
        op.create_index(f"ix_link_records_{name}", "link_records", [column, "link"], unique=False)
    # PostgreSQL indexes only those that it stores, SQLite adds only those that it does not.
    stored = op.get_bind().dialect.name == "postgresql"
    minute = sa.Computed("newest_us / 60000000", persisted=stored)
    op.add_column("links", sa.Column("newest_minute", sa.BigInteger(), minute, nullable=True))
    op.create_index("ix_links_silent", "links", ["newest_minute", "id"], unique=False)
    releases = sa.table("schema_releases", sa.column("revision", sa.String))
    op.bulk_insert(releases, [{"revision": revision}])
