"""The actual means over the next steps, beside the actuals of the points.

Nothing else changes, so replicas of `v6` run beside this release's.
"""

import sqlalchemy as sa
from alembic import op

revision = "v7"
down_revision = "v6"


def upgrade() -> None:
    """Add the columns."""
    for table in ("open_forecasts", "forecast_log"):
        for steps in (5, 15, 60):
            op.add_column(table, sa.Column(f"mean_{steps}_mbps", sa.REAL(), nullable=True))
    releases = sa.table("schema_releases", sa.column("revision", sa.String))
    op.bulk_insert(releases, [{"revision": revision}])
