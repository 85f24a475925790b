"""Long steps of many requests, some rounds of the event loop apart."""

import asyncio

import numpy as np

from pba.serving.loop_turns import LoopTurns


async def test_others_have_some_rounds_of_the_loop_between_long_steps():
    turns, current, steps = LoopTurns(), 0, []

    async def long_step(name: int) -> None:
        for _ in range(2):
            await turns.next()
            steps.append((name, current))

    async def count_rounds() -> None:
        nonlocal current
        while len(steps) < 20:
            current += 1
            await asyncio.sleep(0)

    await asyncio.gather(count_rounds(), *(long_step(name) for name in range(10)))
    assert [name for name, _ in steps] == [*range(10)] * 2, "in order"
    rounds = [at for _, at in steps]
    assert min(np.diff(rounds)) >= 4


async def test_a_caller_that_gives_up_holds_up_no_other():
    turns = LoopTurns()
    waiting = [asyncio.create_task(turns.next()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    await asyncio.wait_for(asyncio.gather(waiting[0], waiting[2]), 60)
