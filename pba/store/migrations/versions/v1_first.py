"""The first tables."""

from alembic import op

from pba.store.schema import metadata

revision = "v1"
down_revision = None


def upgrade() -> None:
    """Create everything."""
    metadata.create_all(op.get_bind())
