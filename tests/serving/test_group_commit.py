"""Group commit: who waits for whom, and whose mistake hits whom."""

import asyncio
import threading

import numpy as np
import pytest

from pba.errors import Busy, StoreUnavailable
from pba.serving.group_commit import GroupCommit
from pba.store import Receipt, SampleReport, WriteBatch
from pba.types import NetworkMode


class Written:
    """A store that waits for its gate before each write, and keeps what it was given."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = threading.Event()
        self.error: Exception | None = None

    def __call__(self, batch: WriteBatch) -> list[Receipt]:
        assert self.gate.wait(5)
        names = [report.link_id for report in batch.reports]
        self.batches.append(names)
        if self.error:
            raise self.error
        if "poison" in names:
            raise ZeroDivisionError
        return [Receipt(len(name), 0, 0, 0, NetworkMode.INTERNET) for name in names]


def batch(*names: str) -> WriteBatch:
    return WriteBatch([SampleReport(name, np.zeros(1), np.zeros((1, 5))) for name in names])


async def started(commit: GroupCommit, *batches: WriteBatch) -> list[asyncio.Task[list[Receipt]]]:
    """Start to write ``batches`` and let each get as far as it can."""
    tasks = []
    for one in batches:
        tasks.append(asyncio.create_task(commit(one)))
        await asyncio.sleep(0)
    return tasks


async def test_what_comes_during_a_write_goes_into_the_next_together():
    written = Written()
    commit = GroupCommit(written, most_waiting=10)
    tasks = await started(commit, batch("a"))
    await asyncio.sleep(0.05)
    tasks += await started(commit, batch("bb", "ccc"), WriteBatch(), batch("dddd"))
    written.gate.set()
    receipts = await asyncio.gather(*tasks)
    assert written.batches == [["a"], ["bb", "ccc", "dddd"]]
    assert [[one.accepted for one in part] for part in receipts] == [[1], [2, 3], [], [4]]


async def test_one_that_cannot_be_written_harms_no_other():
    written = Written()
    commit = GroupCommit(written, most_waiting=10)
    tasks = await started(commit, batch("a"))
    await asyncio.sleep(0.05)
    tasks += await started(commit, batch("b"), batch("poison"), batch("c"))
    written.gate.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(found[2], ZeroDivisionError)
    assert [found[0][0].accepted, found[1][0].accepted, found[3][0].accepted] == [1, 1, 1]


async def test_a_store_that_is_away_tells_all_at_once_and_later_ones_are_tried():
    written = Written()
    written.error = StoreUnavailable("gone")
    written.gate.set()
    commit = GroupCommit(written, most_waiting=10)
    found = await asyncio.gather(*(commit(batch(name)) for name in "abc"), return_exceptions=True)
    assert all(isinstance(one, StoreUnavailable) for one in found)
    assert len(written.batches) <= 2
    written.error = None
    assert (await commit(batch("d")))[0].accepted == 1


async def test_more_than_may_wait_are_refused():
    written = Written()
    commit = GroupCommit(written, most_waiting=2)
    tasks = await started(commit, batch("a"))
    await asyncio.sleep(0.05)
    tasks += await started(commit, batch("b"), batch("c"))
    with pytest.raises(Busy, match="2 writes wait"):
        await commit(batch("d"))
    written.gate.set()
    assert len(await asyncio.gather(*tasks)) == 3


async def test_a_caller_that_gives_up_takes_back_what_is_not_being_written():
    written = Written()
    commit = GroupCommit(written, most_waiting=2)
    (writing,) = await started(commit, batch("a"))
    await asyncio.sleep(0.05)
    gone, stays = await started(commit, batch("b"), batch("c"))
    for given_up in (writing, gone):
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
    (late,) = await started(commit, batch("d"))
    written.gate.set()
    assert [(await one)[0].accepted for one in (stays, late)] == [1, 1]
    assert written.batches == [["a"], ["c", "d"]]
