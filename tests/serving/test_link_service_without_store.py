"""What an absent, stuck, full or unwritable store costs, and that it comes back by itself."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest

from pba.errors import StoreUnavailable
from pba.forecasting.assembly import ForecastResult
from pba.forecasting.query import Query
from pba.store import Store
from tests.serving.test_link_service import Loop, history, report

RECORD_S, STORE_S = 0.5, 2.0


@pytest.fixture
async def loop(tmp_path: Path) -> AsyncIterator[Loop]:
    async with opened(Loop(f"sqlite:///{tmp_path}/pba.db", RECORD_S, STORE_S)) as made:
        yield made


@pytest.fixture
async def patient(tmp_path: Path) -> AsyncIterator[Loop]:
    async with opened(Loop(f"sqlite:///{tmp_path}/pba.db")) as made:
        yield made


@contextlib.asynccontextmanager
async def opened(made: Loop) -> AsyncIterator[Loop]:
    made.store.ready()
    await made.links.observe([report("a", 70)])
    yield made
    await made.links.drain()
    made.store.close()


@contextlib.contextmanager
def stuck(folder: Path) -> Iterator[None]:
    """Keep others from writing, as a long transaction of another program does."""
    with contextlib.closing(sqlite3.connect(folder / "pba.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def test_a_given_history_is_answered_in_time_though_the_store_is_stuck(
    loop: Loop, tmp_path: Path
):
    with stuck(tmp_path):
        started = time.monotonic()
        made = await loop.links.recorded(Query(history(70, first=1), None, "a"))
        named, anonymous = await loop.links.all_recorded(
            [Query(history(70, first=2), None, "a"), Query(history(70))]
        )
        assert time.monotonic() - started < 2 * RECORD_S + 1.0
        assert isinstance(named, ForecastResult)
        assert isinstance(anonymous, ForecastResult)
        told = ["not_recorded" in one.forecast.reasons for one in (made, named, anonymous)]
        assert told == [True, True, False]
        started = time.monotonic()
        with pytest.raises(StoreUnavailable, match="not answered within"):
            await loop.links.observe([report("a", 1, first=99)])
        assert time.monotonic() - started < STORE_S + 1.0
    # The first was being written, and still is kept; those behind it were taken back.
    await until_kept(loop, 71)
    made = await loop.links.recorded(Query(history(70, first=2), None, "a"))
    assert "not_recorded" not in made.forecast.reasons
    assert len(loop.store.history("a", 0, 9e9, 1000)[0]) == 72


async def until_kept(loop: Loop, count: int) -> None:
    limit = time.monotonic() + 10
    while len(loop.store.history("a", 0, 9e9, 1000)[0]) < count:
        assert time.monotonic() < limit, "it did not happen in time"
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("broken", "mended", "why"),
    [
        ("max_page_count = 1", "max_page_count = 1000000", "is full"),  # as many as it has
        ("query_only = 1", "query_only = 0", "readonly"),
    ],
)
async def test_a_store_that_cannot_grow_or_be_written_keeps_nothing_by_halves(
    patient: Loop, broken: str, mended: str, why: str
):
    loop = patient
    set_pragma(loop.store, broken)
    with pytest.raises(StoreUnavailable, match=why):
        await loop.links.observe([report("a", 5, first=70), report("b", 5000, first=-4000)])
    made = await loop.links.recorded(Query(history(2000, first=-1000), None, "c"))
    assert "not_recorded" in made.forecast.reasons
    with pytest.raises(StoreUnavailable, match=why):
        await loop.links.ready()
    assert (await loop.links.forecast("a")).forecast.bandwidth_mbps == pytest.approx(20, rel=0.05)
    await loop.links.drain()
    assert [link.link_id for link in loop.store.links(None, "", 10)] == ["a"]
    np.testing.assert_array_equal(
        loop.store.history("a", 0, 9e9, 100)[0].timestamps_s, report("a", 70).timestamps_s
    )
    set_pragma(loop.store, mended)
    await loop.links.ready()
    assert loop.store.events() == []
    first, second = await loop.links.observe(
        [report("a", 5, first=70), report("b", 5000, first=-4000)]
    )
    assert (first.accepted, second.accepted) == (5, 5000)


def set_pragma(store: Store, pragma: str) -> None:
    """Set it on the one connection that a store has that nobody asks at once."""
    with store._engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA {pragma}")
