"""Each delta is added once, also where several add at the same time."""

import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pba.scoring.codes import ARMS, MODES, SOURCES
from pba.store import Store
from pba.store.aggregate_tables import (
    BIN_SUMS,
    aggregate_deltas,
    aggregates,
    minute_aggregates,
)
from pba.store.report_tables import (
    HOUR_US,
    hour_pair_aggregates,
    latency_deltas,
    minute_latencies,
    pair_aggregates,
    pair_deltas,
)
from tests.store.builders import NOW_S
from tests.store.deltas import (
    SUMS,
    append,
    append_all,
    outcome_deltas,
    random_latency_deltas,
    random_pair_deltas,
    rows_of,
)

DELTAS = (aggregate_deltas, pair_deltas, latency_deltas)


def sums(rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> dict[Any, dict[str, float]]:
    """Return the sums of ``rows`` by ``keys``, and the maximum of ``most_ms``."""
    by_key: dict[Any, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        group = by_key[tuple(row[key] for key in keys)]
        for name in row.keys() - {*keys, "id", "newest_us"}:
            group[name] = (
                max(group[name], row[name]) if name == "most_ms" else (group[name] + row[name])
            )
    return by_key


def check_sums(store: Store, count: int) -> None:
    """Check the sums of what `append_all` appends."""
    pairs = random_pair_deltas(count)
    by_hour = [row | {"hour_us": row["from_us"] // HOUR_US * HOUR_US} for row in pairs]
    for row in by_hour:
        del row["from_us"]
    for table, rows in (
        (minute_aggregates, outcome_deltas(count)),
        (pair_aggregates, pairs),
        (hour_pair_aggregates, by_hour),
        (minute_latencies, random_latency_deltas(count)),
    ):
        keys = [column.name for column in table.primary_key.columns]
        assert sums(rows_of(store, table), keys) == sums(rows, keys), table.name


@pytest.mark.parametrize("limit", [7, 1000])
def test_sums_by_minute_and_hour_are_those_of_all_deltas(store: Store, limit: int):
    append_all(store, 200)
    rounds = 0
    while store.jobs.fold(limit):
        rounds += 1
    assert rounds == -(-200 // limit)
    check_sums(store, 200)
    assert [rows_of(store, table) for table in DELTAS] == [[], [], []]


def test_sums_of_all_time_have_names_and_add_to_those_before(store: Store):
    old = {"mode": "internet", "source": "model", "version": "internet-x", "steps": 1}
    before = old | dict.fromkeys(SUMS, 1000.0)
    append(store, aggregates, [before])
    append_all(store, 300)
    while store.jobs.fold(50):
        pass
    names = ("", "internet-x")
    named = [
        row
        | {"mode": MODES[row["mode"]].value, "source": SOURCES[row["source"]]}
        | {"arm": ARMS[row["arm"]].value, "version": names[row["version"] - 1]}
        for row in outcome_deltas(300)
    ]
    newest = {}
    for row in named:
        key = tuple(row[column.name] for column in aggregates.primary_key.columns)
        newest[key] = max(newest.get(key, 0), row.pop("newest_us"))
        for name in ("minute_us", *BIN_SUMS):
            del row[name]
    keys = [column.name for column in aggregates.primary_key.columns]
    rows = rows_of(store, aggregates)
    for row in rows:
        key = tuple(row[name] for name in keys)
        assert row.pop("newest_us") == newest[key]
    expected = sums([*named, before | {"arm": "v3", "served": True}], keys)
    assert sums(rows, keys) == expected


def test_nothing_counts_twice_while_several_fold_and_others_append(url: str):
    stores = [Store(url, lambda: NOW_S).ready() for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        appended = pool.submit(append_all, stores[0], 400)
        folders = [pool.submit(fold_until, store, appended) for store in stores[1:]]
        appended.result()
        for folder in folders:
            folder.result()
    while stores[0].jobs.fold(100):
        pass
    check_sums(stores[0], 400)
    for store in stores:
        store.close()


def fold_until(store: Store, appended: Any) -> None:
    while store.jobs.fold(20) or not appended.done():
        time.sleep(0.002)  # SQLite's lock is not fair: the others need a turn
