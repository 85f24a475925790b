"""However many calls are refused, there are few rows, few writes, and little memory."""

import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest

from pba.errors import StoreUnavailable
from pba.serving.refusal_counter import OTHER, RefusalCounter
from pba.store import Store
from pba.store.refusal_table import RefusalCount
from tests.support.databases import new_file
from tests.support.waiting import until

MINUTE_US = 60_000_000


class Table:
    """Stands in for the store: adds up what is written."""

    def __init__(self) -> None:
        self.away = False
        self.writes = 0
        self.sums: dict[tuple[int, str, str], list[int]] = {}

    def add(self, counts: Sequence[RefusalCount]) -> None:
        if self.away:
            raise StoreUnavailable("away")
        self.writes += 1
        for one in counts:
            sums = self.sums.setdefault((one.minute_us, one.address, one.key_id), [0, 0])
            sums[0] += one.unauthenticated
            sums[1] += one.forbidden


async def test_refusals_of_one_caller_in_one_minute_are_one_row():
    table, now_s = Table(), 120.0
    counter = RefusalCounter(table.add, lambda: now_s)
    for _ in range(5):
        counter.count("10.0.0.1", None, forbidden=False)
    counter.count("10.0.0.1", "k", forbidden=True)
    await counter.flush()
    now_s = 180.0
    counter.count("10.0.0.1", None, forbidden=True)
    await counter.flush()
    await counter.flush()
    assert table.writes == 2, "nothing is written where nothing was refused"
    assert table.sums == {
        (2 * MINUTE_US, "10.0.0.1", ""): [5, 0],
        (2 * MINUTE_US, "10.0.0.1", "k"): [0, 1],
        (3 * MINUTE_US, "10.0.0.1", ""): [0, 1],
    }


async def test_a_hundred_thousand_refusals_are_few_rows_and_none_is_lost():
    table = Table()
    counter = RefusalCounter(table.add, lambda: 0.0, callers=50)
    for number in range(100_000):
        counter.count(f"10.0.{number // 256 % 256}.{number % 256}", None, forbidden=False)
        if number % 10_000 == 0:
            await counter.flush()
    await counter.flush()
    assert len(table.sums) == 51
    assert sum(sums[0] for sums in table.sums.values()) == 100_000
    assert table.sums[0, OTHER, ""][0] > 60_000


async def test_while_the_store_is_away_counts_wait_in_bounded_memory(
    caplog: pytest.LogCaptureFixture,
):
    table, now_s = Table(), 0.0
    counter = RefusalCounter(table.add, lambda: now_s, callers=50)
    table.away = True
    tracemalloc.start()
    for minute in range(100):
        now_s = 60.0 * minute
        for number in range(100):
            counter.count(f"10.{minute}.0.{number}", None, forbidden=False)
        await counter.flush()
    assert tracemalloc.get_traced_memory()[0] < 200_000
    tracemalloc.stop()
    table.away = False
    await counter.flush()
    assert len(table.sums) <= 2 * 50 + 100, "callers, and one row more a minute"
    assert sum(sums[0] for sums in table.sums.values()) == 10_000
    assert [record.message for record in caplog.records] == ["refusals_not_stored"]


async def test_counts_are_written_by_themselves_and_at_the_end():
    table = Table()
    counter = RefusalCounter(table.add, lambda: 0.0, every_s=0.01)
    counter.start()
    counter.count("::1", None, forbidden=True)
    await until(lambda: bool(table.sums))
    counter.count("::1", None, forbidden=True)
    await counter.stop()
    assert table.sums == {(0, "::1", ""): [0, 2]}


async def test_a_hundred_thousand_bad_keys_are_few_rows_of_a_store(tmp_path: Path):
    store = Store(new_file(tmp_path / "pba.db"), lambda: 0.0)
    counter = RefusalCounter(store.refusals.add, lambda: 0.0)
    for number in range(100_000):
        counter.count(f"2001:db8::{number:x}", None, forbidden=number % 10 == 0)
        if number % 20_000 == 0:
            await counter.flush()
    await counter.stop()
    rows = store.refusals.rows(10_000)
    store.close()
    assert len(rows) == 201
    assert (sum(row.unauthenticated for row in rows), sum(row.forbidden for row in rows)) == (
        90_000,
        10_000,
    )
