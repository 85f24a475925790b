import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence

import pytest

from pba.errors import InvalidRequest, PBAError, StoreUnavailable
from pba.forecasting import Query
from pba.serving.chunking import AT_ONCE, CHUNK, chunk_size, in_chunks, in_turn
from pba.serving.lazy_queries import LazyQueries


class OddFirst:
    """Doubles its items; a chunk at an even place ends after the one that follows it."""

    def __init__(self, items: int) -> None:
        self._size = chunk_size(items)
        self._last = (items - 1) // self._size
        self._ended = defaultdict[int, asyncio.Event](asyncio.Event)
        self.in_flight, self.most, self.concurrent = 0, 0, set[int]()

    async def __call__(self, chunk: Sequence[int], concurrent: int) -> list[int]:
        place = chunk[0] // self._size
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        self.concurrent.add(concurrent)
        if place % 2 == 0 and place < self._last:
            await self._ended[place + 1].wait()
        self._ended[place].set()
        self.in_flight -= 1
        return [2 * item for item in chunk]


async def test_two_chunks_are_in_flight_and_results_are_in_order():
    items = list(range(5 * CHUNK + 1))
    work = OddFirst(len(items))
    async with asyncio.timeout(60):
        assert await in_chunks(items, work, at_once=2) == [2 * item for item in items]
    assert (work.most, work.concurrent) == (2, {2})


async def test_as_many_chunks_as_given_are_in_flight():
    all_there, in_flight, most = asyncio.Barrier(3), 0, 0

    async def work(chunk: Sequence[int], concurrent: int) -> list[int]:
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        await all_there.wait()
        in_flight -= 1
        return [concurrent] * len(chunk)

    async with asyncio.timeout(60):
        assert set(await in_chunks(range(6 * CHUNK), work, at_once=3)) == {3}
    assert most == 3


@pytest.mark.parametrize("count", [1, CHUNK])
async def test_items_that_fit_one_chunk_share_the_models_with_no_other(count: int):
    work = OddFirst(count)
    assert await in_chunks(range(count), work) == [2 * item for item in range(count)]
    assert (work.most, work.concurrent) == (1, {1})


async def test_no_items_make_one_empty_chunk():
    async def work(chunk: Sequence[int], concurrent: int) -> list[int]:
        return list(chunk)

    assert await in_chunks([], work) == []


async def test_a_chunk_that_fails_cancels_the_others_and_its_own_error_is_raised():
    started: list[int] = []

    async def fail(chunk: Sequence[int], concurrent: int) -> list[int]:
        started.append(chunk[0])
        if chunk[0] == CHUNK:
            raise StoreUnavailable("gone")
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async with asyncio.timeout(60):
        with pytest.raises(StoreUnavailable, match="gone"):
            await in_chunks(range((AT_ONCE + 2) * CHUNK), fail)
    assert (AT_ONCE + 1) * CHUNK not in started


async def test_a_chunk_is_read_while_the_one_before_is_worked_on():
    log: list[str] = []

    def read(items: Sequence[int]) -> list[Query | PBAError]:
        log.append(f"read {items[0]}")
        return [InvalidRequest(str(item)) for item in items]

    async def work(chunk: Sequence[Query | PBAError], _: int) -> list[str]:
        log.append(f"work {chunk[0]}")
        await asyncio.sleep(0)
        log.append(f"end {chunk[0]}")
        return [str(item) for item in chunk]

    items = LazyQueries(range(4 * CHUNK), read)
    results = await in_chunks(items, work, at_once=2)
    assert results == [str(item) for item in range(4 * CHUNK)]
    first, second, third, _ = (f"read {place * CHUNK}" for place in range(4))
    assert log.index(first) < log.index(second) < log.index("end 0") < log.index(third)


def test_lazy_queries_are_read_when_they_are_taken():
    queries = LazyQueries(range(5), lambda items: [InvalidRequest(str(item)) for item in items])
    assert len(queries) == 5
    assert str(queries[3]) == "3"
    assert [str(query) for query in queries[1:3]] == ["1", "2"]
    assert [str(query) for query in queries] == list("01234")


async def numbers(count: int, error: Exception | None = None) -> AsyncIterator[int]:
    for number in range(count):
        yield number
    if error is not None:
        raise error


class Reversed:
    """Doubles numbers; of those that are in flight together, the last ends first."""

    def __init__(self, at_once: int, failing: int = -1) -> None:
        self.at_once, self.failing = at_once, failing
        self.begun: list[int] = []
        self.ended = 0
        self.full = asyncio.Event()

    async def __call__(self, number: int) -> int:
        self.begun.append(number)
        if len(self.begun) == self.at_once:
            self.full.set()
        try:
            await self.full.wait()
            await asyncio.sleep(0.001 * (self.at_once - number % self.at_once))
            if number == self.failing:
                raise InvalidRequest("no")
        finally:
            self.ended += 1
        return 2 * number


async def test_items_that_come_are_worked_on_together_and_yielded_in_order():
    work = Reversed(3)
    async with asyncio.timeout(60):
        results = [result async for result in in_turn(numbers(10), work, 3)]
    assert results == [2 * number for number in range(10)]


async def test_no_more_are_begun_than_are_taken():
    work = Reversed(3)
    results = in_turn(numbers(10), work, 3)
    async with asyncio.timeout(60):
        assert await anext(results) == 0
    await asyncio.sleep(0.01)
    assert work.begun == [0, 1, 2]
    await results.aclose()
    assert work.ended == 3


@pytest.mark.parametrize("in_item", [True, False])
async def test_an_error_comes_in_its_turn(in_item: bool):
    work = Reversed(3, failing=4 if in_item else -1)
    items = numbers(10 if in_item else 4, None if in_item else InvalidRequest("no"))
    results: list[int] = []

    async def collect() -> None:
        async for result in in_turn(items, work, 3):
            results.append(result)

    with pytest.raises(InvalidRequest):
        await collect()
    assert results == [0, 2, 4, 6]
    assert work.ended == len(work.begun)
