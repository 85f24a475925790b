"""Group commit: batches that arrive during a write share the next; an error hits its own batch."""

import asyncio
import threading

import numpy as np
import pytest

from pba.errors import Busy, RowsRefused, StoreUnavailable
from pba.serving.group_commit import MAX_ROWS, GroupCommit
from pba.store import Receipt, SampleReport, WriteBatch
from pba.types import NetworkMode


class Writes:
    """A store that waits for `proceed` before each write, and records the links of each."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.begun = threading.Event()
        self.proceed = threading.Event()
        self.error: Exception | None = None
        self.poison: Exception = ZeroDivisionError()

    def __call__(self, batch: WriteBatch) -> list[Receipt]:
        self.begun.set()
        assert self.proceed.wait(10)
        names = [report.link_id for report in batch.reports]
        self.batches.append(names)
        if self.error:
            raise self.error
        if "poison" in names:
            raise self.poison
        return [Receipt(len(name), 0, 0, 0, NetworkMode.INTERNET) for name in names]


Task = asyncio.Task[list[Receipt]]


def batch(*names: str, rows: int = 1) -> WriteBatch:
    return WriteBatch([SampleReport(name, np.zeros(rows), np.zeros((rows, 5))) for name in names])


async def queue(commit: GroupCommit, *batches: WriteBatch) -> list[Task]:
    """Start to write ``batches``; return when all of them are in the queue."""
    tasks = []
    for item in batches:
        tasks.append(asyncio.create_task(commit(item)))
        await asyncio.sleep(0)
    return tasks


async def begin(writes: Writes, commit: GroupCommit) -> Task:
    """Start to write a batch of the link ``a``; return when its transaction has begun."""
    (task,) = await queue(commit, batch("a"))
    assert await asyncio.to_thread(writes.begun.wait, 10)
    return task


@pytest.fixture
def writes() -> Writes:
    return Writes()


async def test_batches_that_arrive_during_a_write_share_the_next_transaction(writes: Writes):
    commit = GroupCommit(writes, max_waiting=10)
    first = await begin(writes, commit)
    others = await queue(commit, batch("bb", "ccc"), WriteBatch(), batch("dddd"))
    writes.proceed.set()
    receipts = await asyncio.gather(first, *others)
    assert writes.batches == [["a"], ["bb", "ccc", "dddd"]]
    assert [[item.accepted for item in part] for part in receipts] == [[1], [2, 3], [], [4]]


async def test_a_transaction_has_about_as_many_rows_as_the_limit(writes: Writes):
    commit = GroupCommit(writes, max_waiting=10)
    first = await begin(writes, commit)
    large = (batch(name, rows=MAX_ROWS // 2) for name in "bcde")
    others = await queue(commit, *large)
    writes.proceed.set()
    await asyncio.gather(first, *others)
    assert writes.batches == [["a"], ["b", "c"], ["d", "e"]]


@pytest.mark.parametrize("error", [ZeroDivisionError(), RowsRefused("no")])
async def test_a_batch_that_cannot_be_written_does_not_affect_the_others(
    writes: Writes, error: Exception
):
    writes.poison = error
    commit = GroupCommit(writes, max_waiting=10)
    first = await begin(writes, commit)
    others = await queue(commit, batch("b"), batch("poison"), batch("c"))
    writes.proceed.set()
    a, b, poison, c = await asyncio.gather(first, *others, return_exceptions=True)
    assert poison is error
    assert [a[0].accepted, b[0].accepted, c[0].accepted] == [1, 1, 1]
    assert not commit.failing


async def test_an_unavailable_store_fails_all_waiting_batches_and_later_ones_are_tried(
    writes: Writes,
):
    writes.error = StoreUnavailable("gone")
    writes.proceed.set()
    commit = GroupCommit(writes, max_waiting=10)
    errors = await asyncio.gather(*(commit(batch(name)) for name in "abc"), return_exceptions=True)
    assert all(isinstance(error, StoreUnavailable) for error in errors)
    assert len(writes.batches) <= 2
    assert commit.failing
    writes.error = None
    assert (await commit(batch("d")))[0].accepted == 1
    assert not commit.failing


async def test_a_batch_over_the_limit_of_the_queue_is_refused(writes: Writes):
    commit = GroupCommit(writes, max_waiting=2)
    first = await begin(writes, commit)
    others = await queue(commit, batch("b"), batch("c"))
    with pytest.raises(Busy, match="2 writes wait"):
        await commit(batch("d"))
    writes.proceed.set()
    assert len(await asyncio.gather(first, *others)) == 3


async def test_a_cancelled_caller_withdraws_a_batch_that_is_not_being_written(writes: Writes):
    commit = GroupCommit(writes, max_waiting=2)
    first = await begin(writes, commit)
    withdrawn, stays = await queue(commit, batch("b"), batch("c"))
    for task in (first, withdrawn):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    (later,) = await queue(commit, batch("d"))
    writes.proceed.set()
    assert [(await task)[0].accepted for task in (stays, later)] == [1, 1]
    assert writes.batches == [["a"], ["c", "d"]]
