import asyncio
from collections.abc import Sequence

import pytest

from pba.errors import StoreUnavailable
from pba.serving.chunking import CHUNK, in_chunks


class Work:
    """Doubles what it is given, the later parts sooner, and notes how many are under way."""

    def __init__(self) -> None:
        self.under_way, self.most, self.told = 0, 0, set[int]()

    async def __call__(self, part: Sequence[int], at_once: int) -> list[int]:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        self.told.add(at_once)
        await asyncio.sleep(0.01 if part[0] else 0.02)
        self.under_way -= 1
        return [2 * item for item in part]


async def test_two_parts_are_under_way_and_all_come_back_in_order():
    work, items = Work(), list(range(5 * CHUNK + 1))
    assert await in_chunks(items, work) == [2 * item for item in items]
    assert (work.most, work.told) == (2, {2})


async def test_what_fits_in_one_part_shares_with_nobody():
    work = Work()
    assert await in_chunks([1, 2], work) == [2, 4]
    assert (work.most, work.told) == (1, {1})


async def test_a_part_that_fails_ends_the_rest_with_its_own_error():
    begun: list[int] = []

    async def fail(part: Sequence[int], at_once: int) -> list[int]:
        begun.append(part[0])
        if part[0] == CHUNK:
            raise StoreUnavailable("gone")
        await asyncio.sleep(60)
        raise AssertionError("nobody waits this long")

    with pytest.raises(StoreUnavailable, match="gone"):
        await in_chunks(range(4 * CHUNK), fail)
    assert 3 * CHUNK not in begun
