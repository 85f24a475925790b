"""Deltas as the settlement of a batch appends them."""

from typing import Any

import numpy as np
from sqlalchemy import Connection, Table, select

from pba.store import Store
from pba.store.aggregate_tables import BIN_SUMS, aggregate_deltas, aggregates
from pba.store.report_tables import PAIR_SUMS, latency_deltas, pair_deltas
from pba.store.statements import insert_into
from pba.store.tables import versions

MINUTE_US = 60_000_000
SUMS = [
    column.name for column in aggregates.c if not column.primary_key and column.name != "newest_us"
]


def append(store: Store, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows as they are."""
    store._database.write(lambda connection: connection.execute(table.insert(), rows))


def rows_of(store: Store, table: Table) -> list[dict[str, Any]]:
    """Return all rows, in the order of their keys."""

    def read(connection: Connection) -> list[dict[str, Any]]:
        query = select(table).order_by(*table.primary_key.columns)
        return [dict(row) for row in connection.execute(query).mappings()]

    return store._database.read(read)


def add_versions(store: Store, *names: str) -> None:
    """Number the versions from 1."""
    rows = [{"id": number, "name": name} for number, name in enumerate(names, 1)]
    store._database.write(
        lambda connection: connection.execute(
            insert_into(connection, versions).on_conflict_do_nothing(), rows
        )
    )


def outcome_deltas(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Return random rows of `aggregate_deltas` over three minutes."""
    rng = np.random.default_rng(seed)
    keys = {"mode": 3, "source": 4, "arm": 2, "version": 2}
    return [
        {name: int(rng.integers(limit)) for name, limit in keys.items()}
        | {
            "version": int(rng.integers(1, 3)),
            "minute_us": int(rng.integers(3)) * MINUTE_US,
            "steps": int(rng.choice([1, 5])),
            "served": bool(rng.integers(2)),
        }
        | {name: float(rng.integers(1, 100)) for name in (*SUMS, *BIN_SUMS)}
        | {"newest_us": int(rng.integers(3 * MINUTE_US))}
        for _ in range(count)
    ]


def random_pair_deltas(count: int, seed: int = 2) -> list[dict[str, Any]]:
    """Return random rows of `pair_deltas` over twelve minutes of three hours."""
    rng = np.random.default_rng(seed)
    return [
        {"from_us": int(rng.integers(12)) * 15 * MINUTE_US, "mode": int(rng.integers(3))}
        | {name: float(rng.integers(1, 100)) for name in PAIR_SUMS}
        for _ in range(count)
    ]


def random_latency_deltas(count: int, seed: int = 3) -> list[dict[str, Any]]:
    """Return random rows of `latency_deltas` over three minutes."""
    rng = np.random.default_rng(seed)
    return [
        {"minute_us": int(rng.integers(3)) * MINUTE_US, "mode": int(rng.integers(3))}
        | {"bin": int(rng.integers(4)), "forecasts": float(rng.integers(1, 9))}
        | {"took_ms": float(rng.integers(1, 99)), "most_ms": float(rng.integers(1, 99))}
        for _ in range(count)
    ]


def append_all(store: Store, count: int) -> None:
    """Append as many random deltas of each kind."""
    add_versions(store, "", "internet-x")
    append(store, aggregate_deltas, outcome_deltas(count))
    append(store, pair_deltas, random_pair_deltas(count))
    append(store, latency_deltas, random_latency_deltas(count))
