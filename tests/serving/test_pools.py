"""Threads by kind of work: a kind that is stuck holds up no other."""

import asyncio
import threading

import pytest

from pba.serving.pools import Pools, ThreadPool


async def test_stuck_reports_hold_up_neither_writes_nor_reads_nor_flags():
    pools, ended = Pools.separate(), threading.Event()
    stuck = [asyncio.create_task(pools.reports(ended.wait)) for _ in range(50)]
    try:
        await asyncio.sleep(0)  # they have the threads now
        for pool in (pools.writes, pools.reads, pools.flags):
            async with asyncio.timeout(30):
                assert await pool(lambda: 7) == 7
        assert not any(task.done() for task in stuck)
    finally:
        ended.set()
    await asyncio.gather(*stuck)
    pools.close()


async def test_threads_have_the_name_of_their_pool():
    pool = ThreadPool("flags", 1)
    assert (await pool(lambda: threading.current_thread().name)).startswith("pba-flags")
    pool.close()


async def test_errors_pass_and_a_closed_pool_starts_nothing():
    pool = ThreadPool("reads", 1)
    with pytest.raises(ZeroDivisionError):
        await pool(lambda: 1 // 0)
    pool.close()
    with pytest.raises(RuntimeError, match="shutdown"):
        await pool(lambda: 7)


async def test_a_call_that_is_cancelled_while_it_waits_does_not_run():
    pool, ended, ran = ThreadPool("reports", 1), threading.Event(), threading.Event()
    stuck = asyncio.create_task(pool(ended.wait))
    waiting = asyncio.create_task(pool(ran.set))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    ended.set()
    await stuck
    await pool(lambda: None)
    assert not ran.is_set()
    pool.close()
