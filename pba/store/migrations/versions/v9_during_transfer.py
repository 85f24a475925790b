"""Whether a sample was measured while a transfer ran; null for those that are not marked.

Replicas of `v7` and `v8` run beside this release: what these write is not marked.
"""

import sqlalchemy as sa
from alembic import op

revision = "v9"
down_revision = "v8"


def upgrade() -> None:
    """Add the column; on PostgreSQL partitions get it with their table."""
    op.add_column("samples", sa.Column("during_transfer", sa.Boolean(), nullable=True))
    releases = sa.table("schema_releases", sa.column("revision", sa.String))
    op.bulk_insert(releases, [{"revision": revision}])
