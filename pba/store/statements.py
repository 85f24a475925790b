"""What the store's statements share: upserts, row locks, times, chunks of parameters.

Times in the database are whole microseconds since 1970, UTC.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, Select, Table, collate, select
from sqlalchemy.dialects import postgresql, sqlite

from pba.store.tables import links
from pba.types import Floats

__all__ = [
    "chunks",
    "insert_into",
    "lock_links",
    "number_table",
    "to_micros",
    "to_seconds",
]

_CHUNK = 500  # databases limit the parameters of one statement


def to_micros(seconds: float) -> int:
    """Return Unix seconds as whole microseconds.

    >>> to_micros(1.0000004)
    1000000
    """
    return round(seconds * 1e6)


def to_seconds(micros: np.ndarray) -> Floats:
    """Return microseconds as Unix seconds, of the same shape."""
    return np.asarray(micros, dtype=float) / 1e6


def chunks(values: Iterable[Any]) -> list[list[Any]]:
    """Return ``values`` in lists short enough for the parameters of one statement."""
    items = list(values)
    return [items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK)]


def insert_into(connection: Connection, table: Table) -> Any:
    """Return an INSERT for the connection's database, with ``on_conflict_…`` methods."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


def number_table(
    connection: Connection, query: Select[Any], columns: int, parameters: Mapping[str, Any] = {}
) -> Floats:
    """Return a query's numeric result, NaN for null, ``(row, column)``."""
    # numpy takes a second for 60 000 rows that are not tuples, and iterating fetches one by one.
    rows = map(tuple, connection.execute(query, parameters).fetchall())
    return np.array(list(rows), dtype=float).reshape(-1, columns)


def lock_links(
    connection: Connection, link_ids: Iterable[str], created_us: int | None = None
) -> dict[str, Row[Any]]:
    """Lock the links until the end of the transaction; return their rows by ``link_id``.

    Links are locked in the order of their names, so that two transactions cannot deadlock.

    Parameters
    ----------
    created_us
        Creates missing links, with this time as that of their last report. None leaves them out
        of the result instead.
    """
    rows: dict[str, Row[Any]] = {}
    for chunk in chunks(sorted(set(link_ids))):
        if created_us is not None:
            new = [{"link_id": name, "newest_us": -1, "heard_us": created_us} for name in chunk]
            connection.execute(insert_into(connection, links).on_conflict_do_nothing(), new)
        query = select(links).where(links.c.link_id.in_(chunk))
        if connection.dialect.name == "postgresql":
            query = query.order_by(collate(links.c.link_id, "C"))
        rows |= {
            row.link_id: row for row in connection.execute(query.with_for_update(key_share=True))
        }
    return rows
