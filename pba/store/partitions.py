"""Partitions of tables by time on PostgreSQL: created ahead, and dropped with all their rows.

Rows of times for which there is no partition are in the default one: old dates, a clock that is far
ahead, and everything where the user may not create tables. Other writers wait for these changes a
tenth of a second at most; where a lock is not free by then, the next run tries again.
"""

import re
from dataclasses import dataclass

from sqlalchemy import Connection, text

__all__ = [
    "Partition",
    "attach_partitions",
    "close_range",
    "drop_partition",
    "is_free",
    "is_range_closed",
    "kept_rows",
    "lift_timeouts",
    "list_partitions",
    "open_range",
    "validate_range",
]

_LOCK_WAIT = text("SET LOCAL lock_timeout = 100")
_PARTITIONS = text(
    """
    SELECT child.relname, pg_get_expr(child.relpartbound, child.oid), pg_relation_size(child.oid)
      FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
     WHERE inhparent = to_regclass(:table)
    """
)
_MAY_CHANGE = text(
    """
    SELECT pg_has_role(relowner, 'USAGE') AND has_schema_privilege(relnamespace, 'CREATE')
      FROM pg_class WHERE oid = to_regclass(:table)
    """
)
_TIMEOUTS = text(
    """
    SELECT set_config(name, '0', true) FROM pg_settings
     WHERE name IN ('statement_timeout', 'transaction_timeout')
    """
)
_BOUNDS = re.compile(r"FROM \('?(-?\d+)'?\) TO \('?(-?\d+)'?\)")
_CLOSED = "ck_range_of_partitions"


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition with the rows from ``from_us`` to before ``to_us``; None of the default one."""

    name: str
    from_us: int | None
    to_us: int | None
    size_bytes: int


def list_partitions(connection: Connection, table: str) -> list[Partition]:
    """Return a table's partitions, the default one first; none where they cannot be changed."""
    if connection.dialect.name != "postgresql":
        return []
    if not connection.execute(_MAY_CHANGE, {"table": table}).scalar():
        return []
    rows = [
        Partition(name, *_bounds(expression), size_bytes)
        for name, expression, size_bytes in connection.execute(_PARTITIONS, {"table": table})
    ]
    return sorted(rows, key=lambda row: -1 if row.from_us is None else row.from_us)


def _bounds(expression: str) -> tuple[int | None, int | None]:
    match = _BOUNDS.search(expression)
    return (int(match[1]), int(match[2])) if match else (None, None)


def lift_timeouts(connection: Connection) -> None:
    """Let this transaction on PostgreSQL take as long as it takes."""
    if connection.dialect.name == "postgresql":
        connection.execute(_TIMEOUTS)


def is_free(connection: Connection, name: str, column: str, from_us: int, to_us: int) -> bool:
    """Return whether the table ``name`` has no row of this time; it is looked through."""
    query = text(f"SELECT 1 FROM {name} WHERE {column} >= :from_us AND {column} < :to_us LIMIT 1")
    return connection.execute(query, {"from_us": from_us, "to_us": to_us}).first() is None


def attach_partitions(
    connection: Connection, table: str, starts_us: list[int], length_us: int
) -> None:
    """Create partitions of ``length_us`` each; the default one may have no rows of their times."""
    connection.execute(_LOCK_WAIT)
    for start_us in starts_us:
        name = f"{table}_{start_us // 1_000_000}"
        bounds = f"FROM ({start_us}) TO ({start_us + length_us})"
        connection.execute(text(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)"))
        connection.execute(text(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES {bounds}"))


def close_range(
    connection: Connection, default: str, column: str, from_us: int, to_us: int
) -> None:
    """Have the default partition refuse rows of this time until `open_range`.

    Then partitions of this time can be attached without a look at its rows under a lock.
    """
    connection.execute(_LOCK_WAIT)
    outside = f"{column} < {from_us} OR {column} >= {to_us}"
    connection.execute(
        text(f"ALTER TABLE {default} ADD CONSTRAINT {_CLOSED} CHECK ({outside}) NOT VALID")
    )


def is_range_closed(connection: Connection, default: str) -> bool:
    """Return whether the default partition refuses a range."""
    query = text(
        "SELECT 1 FROM pg_constraint WHERE conname = :name AND conrelid = to_regclass(:of)"
    )
    return connection.execute(query, {"name": _CLOSED, "of": default}).first() is not None


def validate_range(connection: Connection, default: str) -> None:
    """Look through the default partition, while others write, for rows of the closed range."""
    lift_timeouts(connection)
    connection.execute(text(f"ALTER TABLE {default} VALIDATE CONSTRAINT {_CLOSED}"))


def open_range(connection: Connection, default: str) -> None:
    """Take back `close_range`, also one of a process that has died."""
    connection.execute(_LOCK_WAIT)
    connection.execute(text(f"ALTER TABLE {default} DROP CONSTRAINT IF EXISTS {_CLOSED}"))


def kept_rows(
    connection: Connection, column: str, part: Partition, retention_us: int, count: int
) -> int:
    """Return how many rows of a partition links that fell silent still keep, at most ``count``.

    More than ``count`` such links count as so many rows.
    """
    query = text(
        "SELECT coalesce(sum(own), 0) FROM (SELECT (SELECT count(*) FROM"
        f" (SELECT 1 FROM {part.name} WHERE link = links.id"
        f" AND {column} >= links.newest_us - :retention_us LIMIT :count) AS kept) AS own"
        " FROM links WHERE newest_us >= :from_us AND newest_us < :until_us LIMIT :count) AS owns"
    )
    bounds = _reach(part, retention_us) | {"retention_us": retention_us, "count": count}
    rows = int(connection.execute(query, bounds).scalar_one())
    band = text(
        "SELECT count(*) FROM (SELECT 1 FROM links WHERE newest_us >= :from_us"
        " AND newest_us < :until_us LIMIT :count) AS few"
    )
    owners = int(connection.execute(band, bounds).scalar_one())
    return count if owners == count else min(rows, count)


def _reach(part: Partition, retention_us: int) -> dict[str, int]:
    """Return between which times the newest sample of a link is that keeps rows of ``part``."""
    assert part.from_us is not None
    assert part.to_us is not None
    return {"from_us": part.from_us, "until_us": part.to_us + retention_us}


def drop_partition(
    connection: Connection, table: str, column: str, part: Partition, retention_us: int
) -> None:
    """Drop a partition; what links that fell silent still keep goes to the default one."""
    connection.execute(_LOCK_WAIT)
    connection.execute(text(f"ALTER TABLE {table} DETACH PARTITION {part.name}"))
    for method in ("seqscan", "hashjoin", "mergejoin"):  # links are few, their rows are not
        connection.execute(text(f"SET LOCAL enable_{method} = off"))
    kept = text(
        f"INSERT INTO {table} SELECT own.* FROM links CROSS JOIN LATERAL"
        f" (SELECT * FROM {part.name} WHERE link = links.id"
        f" AND {column} >= links.newest_us - :retention_us) AS own"
        " WHERE links.newest_us >= :from_us AND links.newest_us < :until_us"
    )
    connection.execute(kept, _reach(part, retention_us) | {"retention_us": retention_us})
    connection.execute(text(f"DROP TABLE {part.name}"))
