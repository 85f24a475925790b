"""The actual means over the next steps, beside the actuals of the points.

Link records and forecasts have a new packed form from now on, which replicas of `v3` to `v6` cannot
read: those refuse the schema. Version 3.0.0 reads neither and runs on beside this release.
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
    op.execute(releases.delete().where(releases.c.revision.in_(["v3", "v4", "v5", "v6"])))
    op.bulk_insert(releases, [{"revision": revision}])
