"""What an unavailable, locked, full or read-only store costs, and that links recover from it."""

import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest

from pba.errors import StoreUnavailable
from pba.forecasting import ForecastResult, Query
from pba.store import Store
from tests.serving.link_harness import LinkHarness, history, open_links, report

RECORD_S, STORE_S = 0.5, 1.0


@pytest.fixture
async def impatient(tmp_path: Path) -> AsyncIterator[LinkHarness]:
    deadlines_s = {"record_deadline_s": RECORD_S, "store_deadline_s": STORE_S}
    async with open_links(tmp_path, **deadlines_s) as harness:
        await harness.links.observe([report("a", 70)])
        yield harness


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[LinkHarness]:
    async with open_links(tmp_path) as opened:
        await opened.links.observe([report("a", 70)])
        yield opened


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep others from writing, as a long transaction of another program does."""
    with contextlib.closing(sqlite3.connect(folder / "pba.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def test_with_a_locked_store_given_histories_are_answered_in_time(
    impatient: LinkHarness, tmp_path: Path
):
    links = impatient.links
    with locked(tmp_path):
        started = time.monotonic()
        alone = await links.given.forecast(Query(history(70, first=1), None, "a"))
        named, anonymous = await links.given.forecasts(
            [Query(history(70, first=2), None, "a"), Query(history(70))]
        )
        assert time.monotonic() - started < 2 * RECORD_S + 1.0
        assert isinstance(named, ForecastResult)
        assert isinstance(anonymous, ForecastResult)
        results = (alone, named, anonymous)
        marked = ["not_recorded" in result.forecast.reasons for result in results]
        assert marked == [True, True, False]
        started = time.monotonic()
        with pytest.raises(StoreUnavailable, match="not answered within"):
            await links.observe([report("a", 1, first=99)])
        assert time.monotonic() - started < STORE_S + 1.0
    # The first history was being written, and is still stored; those behind it were withdrawn.
    await links.observe([report("b", 1)])  # queues behind the first
    assert len(impatient.store.history("a", 0, 9e9, 1000)[0]) == 71
    result = await links.given.forecast(Query(history(70, first=2), None, "a"))
    assert "not_recorded" not in result.forecast.reasons
    assert len(impatient.store.history("a", 0, 9e9, 1000)[0]) == 72


@pytest.mark.parametrize(
    ("broken", "repaired", "why"),
    [
        ("max_page_count = 1", "max_page_count = 1000000", "is full"),  # as many as it has
        ("query_only = 1", "query_only = 0", "readonly"),
    ],
)
async def test_a_full_or_read_only_store_stores_all_of_a_batch_or_nothing(
    harness: LinkHarness, broken: str, repaired: str, why: str
):
    links, store = harness.links, harness.store
    set_pragma(store, broken)
    with pytest.raises(StoreUnavailable, match=why):
        await links.observe([report("a", 5, first=70), report("b", 5000, first=-4000)])
    result = await links.given.forecast(Query(history(2000, first=-1000), None, "c"))
    assert "not_recorded" in result.forecast.reasons
    with pytest.raises(StoreUnavailable, match=why):
        await links.ready()
    assert (await links.forecast("a")).forecast.bandwidth_mbps == pytest.approx(20, rel=0.05)
    await links.drain()
    assert [link.link_id for link in store.links(None, "", 10)] == ["a"]
    np.testing.assert_array_equal(
        store.history("a", 0, 9e9, 100)[0].timestamps_s, report("a", 70).timestamps_s
    )
    set_pragma(store, repaired)
    await links.ready()
    assert store.events() == []
    first, second = await links.observe([report("a", 5, first=70), report("b", 5000, first=-4000)])
    assert (first.accepted, second.accepted) == (5, 5000)


def set_pragma(store: Store, pragma: str) -> None:
    """Set ``pragma`` on the store's only connection; it has one while calls do not overlap."""
    with store._database.engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA {pragma}")
