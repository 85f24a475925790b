"""Whether a sample was measured while a transfer ran; null for those that are not marked.

Replicas of `v7` run beside this release: what they write is not marked.
"""

import sqlalchemy as sa
from alembic import op

revision = "v8"
down_revision = "v7"


def upgrade() -> None:
    """Add the column; on PostgreSQL partitions get it with their table."""
    op.add_column("samples", sa.Column("during_transfer", sa.Boolean(), nullable=True))
    releases = sa.table("schema_releases", sa.column("revision", sa.String))
    op.bulk_insert(releases, [{"revision": revision}])
