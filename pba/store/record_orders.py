"""What links are sorted by, where the release before has written their records."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from pba.store.tables import records

__all__ = ["unordered_records", "write_orders"]

_MISSING = records.c.accuracy_permille.is_(None)
_WRITE = (
    update(records)
    .where(records.c.link == bindparam("key"))
    .values(accuracy_permille=bindparam("permille"), drift_size=bindparam("size"))
)


def unordered_records(connection: Connection, limit: int) -> list[Row[Any]]:
    """Return link, generation, body and drift of up to ``limit`` records that lack the values."""
    columns = records.c.link, records.c.generation, records.c.body, records.c.drift
    return list(connection.execute(select(*columns).where(_MISSING).limit(limit)))


def write_orders(
    connection: Connection, values: Mapping[tuple[int, int], tuple[int, float]]
) -> None:
    """Write accuracy and size of the drift by link and generation, as far as these still hold.

    Records that a Monitor writes at this moment are left to it.
    """
    links = [link for link, _ in values]
    query = select(records.c.link, records.c.generation).where(_MISSING, records.c.link.in_(links))
    free = connection.execute(query.order_by(records.c.link).with_for_update(skip_locked=True))
    rows = [
        {"key": link, "permille": values[link, generation][0], "size": values[link, generation][1]}
        for link, generation in free
        if (link, generation) in values
    ]
    if rows:
        connection.execute(_WRITE, rows)
