"""The flags as a replica sees them, whatever the store does meanwhile."""

import asyncio
from collections.abc import Callable

from pba.errors import StoreUnavailable
from pba.rollout import Flags
from pba.serving.flag_watch import FlagWatch, keep_awake
from pba.store import FlagState

KILLED = Flags(force_v1_mode=True)


class Kept:
    """A store of flags that can be away, or hold what this version cannot read."""

    def __init__(self) -> None:
        self.flags = Flags()
        self.error: Exception | None = None

    def __call__(self) -> FlagState:
        if self.error:
            raise self.error
        return FlagState(self.flags)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.01)


async def test_a_change_is_seen_and_holds_while_the_store_is_away():
    kept = Kept()
    switches = FlagWatch(kept, Flags(shadow=True), 0.01)
    await switches.start()
    assert switches() == Flags()
    kept.flags = KILLED
    await until(lambda: switches() == KILLED)
    kept.error = StoreUnavailable("gone")
    await asyncio.sleep(0.05)
    assert switches() == KILLED
    kept.error, kept.flags = None, Flags()
    await until(lambda: switches() == Flags())
    assert switches.watching
    switches.stop()


async def test_before_the_store_was_ever_there_the_settings_hold():
    kept = Kept()
    kept.error = StoreUnavailable("gone")
    switches = FlagWatch(kept, KILLED, 0.01)
    await switches.start()
    assert switches() == KILLED
    kept.error = None
    await until(lambda: switches() == Flags())
    switches.stop()


async def test_one_that_looks_no_more_says_so():
    kept = Kept()
    switches = FlagWatch(kept, Flags(), 0.01)
    assert not switches.watching
    await switches.start()
    kept.error = ValueError("not flags")
    await until(lambda: not switches.watching)


async def test_v1_is_held_awake_for_as_long_as_it_is_wanted():
    flags, calls = Flags(shadow=True), 0

    async def stay() -> None:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.01)

    holding = asyncio.create_task(keep_awake(lambda: flags, stay))
    await until(lambda: calls >= 3)
    flags = Flags()
    await asyncio.sleep(0.05)
    before = calls
    await asyncio.sleep(0.1)
    assert calls == before
    holding.cancel()
