"""The flags as a replica sees them, whatever the store does meanwhile."""

import asyncio
import threading

import pytest

from pba.errors import StoreUnavailable
from pba.rollout import Flags
from pba.serving.flag_watch import FixedFlags, FlagWatch
from pba.store import FlagState
from tests.support.waiting import until

KILLED = Flags(force_v1_mode=True)


class Reads:
    """A store of flags that may be unavailable, or store flags that this version cannot read."""

    def __init__(self) -> None:
        self.flags = Flags()
        self.error: Exception | None = None
        self._loop = asyncio.get_running_loop()
        self._reads = asyncio.Queue[None]()

    def __call__(self) -> FlagState:
        self._loop.call_soon_threadsafe(self._reads.put_nowait, None)
        if self.error:
            raise self.error
        return FlagState(self.flags)

    async def after_next(self) -> None:
        """Wait until a read that has not begun yet has ended, since the next one begins."""
        while not self._reads.empty():
            self._reads.get_nowait()
        async with asyncio.timeout(60):
            await self._reads.get()
            await self._reads.get()
            await self._reads.get()


@pytest.fixture
async def reads() -> Reads:
    return Reads()


async def test_the_last_flags_stay_valid_while_the_store_is_unavailable(
    reads: Reads, caplog: pytest.LogCaptureFixture
):
    watch = FlagWatch(reads, Flags(shadow=True), 60.0)
    assert watch.current == Flags(shadow=True)
    reads.flags = KILLED
    await watch.refresh()
    assert watch.current == KILLED
    reads.error = StoreUnavailable("gone")
    for _ in range(3):
        await watch.refresh()
    assert watch.current == KILLED
    assert [record.message for record in caplog.records] == ["flags_not_read"], "logged once"
    reads.error, reads.flags = None, Flags()
    await watch.refresh()
    assert watch.current == Flags()


async def test_a_watch_reads_at_the_start_and_again_and_again(reads: Reads):
    watch = FlagWatch(reads, KILLED, 0.001)
    await watch.start()
    assert watch.current == Flags()
    reads.flags = KILLED
    await reads.after_next()
    assert watch.current == KILLED
    reads.error = StoreUnavailable("gone")
    await reads.after_next()
    assert (watch.current, watch.running) == (KILLED, True)
    reads.error, reads.flags = None, Flags()
    await reads.after_next()
    assert watch.current == Flags()
    watch.stop()


async def test_the_default_applies_until_the_store_answers_for_the_first_time(reads: Reads):
    reads.error = StoreUnavailable("gone")
    watch = FlagWatch(reads, KILLED, 0.001)
    await watch.start()
    assert watch.current == KILLED
    reads.error = None
    await reads.after_next()
    assert watch.current == Flags()
    watch.stop()


async def test_a_store_that_hangs_does_not_keep_a_replica_from_its_start(
    caplog: pytest.LogCaptureFixture,
):
    answer = threading.Event()

    def read() -> FlagState:
        assert answer.wait(120)  # longer than the start may take
        return FlagState(KILLED)

    watch = FlagWatch(read, Flags(), 0.001, patience_s=0.01)
    async with asyncio.timeout(60):
        await watch.start()
    assert (watch.current, watch.running) == (Flags(), True)
    assert [record.message for record in caplog.records] == ["flags_not_read"]
    answer.set()
    await until(lambda: watch.current == KILLED)
    watch.stop()


async def test_a_watch_that_has_ended_is_not_running(reads: Reads):
    watch = FlagWatch(reads, Flags(), 0.001)
    assert not watch.running
    await watch.start()
    assert watch.running
    (task,) = asyncio.all_tasks() - {asyncio.current_task()}
    reads.error = ValueError("not flags")
    async with asyncio.timeout(60):
        with pytest.raises(ValueError, match="not flags"):
            await task
    assert not watch.running


def test_fixed_flags_are_the_default_ones_unless_given():
    assert (FixedFlags().current, FixedFlags(KILLED).current) == (Flags(), KILLED)
