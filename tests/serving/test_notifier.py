import asyncio
from collections.abc import Iterator

import pytest

from pba.errors import Busy, Unavailable
from pba.serving.notifier import LinkNotifier


class Monitor:
    """Receives messages one at a time: each is taken when the test lets it."""

    def __init__(self) -> None:
        self.messages = asyncio.Queue[list[str]]()
        self.error: Exception | None = None
        self._taken = asyncio.Semaphore(0)

    async def send(self, link_ids: list[str]) -> None:
        self.messages.put_nowait(link_ids)
        await self._taken.acquire()
        if self.error:
            raise self.error

    async def next_message(self) -> list[str]:
        return await asyncio.wait_for(self.messages.get(), 10)

    def take(self) -> None:
        self._taken.release()


@pytest.fixture
async def monitor() -> Monitor:
    return Monitor()


async def idle() -> None:
    """Wait until no other task is left."""
    async with asyncio.timeout(10):
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)


async def test_links_that_arrive_during_a_message_share_the_next(monitor: Monitor):
    notifier = LinkNotifier(monitor.send)
    notifier.notify(["b", "a"])
    assert await monitor.next_message() == ["a", "b"]
    notifier.notify(["d"])
    notifier.notify(iter(["c", "d"]))
    assert monitor.messages.empty(), "one message at a time"
    monitor.take()
    assert await monitor.next_message() == ["c", "d"]
    monitor.take()
    await idle()
    assert monitor.messages.empty()


@pytest.mark.parametrize("error", [Busy("full"), Unavailable("gone")])
async def test_a_message_that_fails_is_dropped_and_the_next_one_is_sent(
    monitor: Monitor, error: Exception
):
    notifier = LinkNotifier(monitor.send)
    monitor.error = error
    notifier.notify(["a"])
    assert await monitor.next_message() == ["a"]
    notifier.notify(["b"])
    monitor.take()
    assert await monitor.next_message() == ["b"]
    monitor.take()
    await idle()
    notifier.notify(["c"])
    assert await monitor.next_message() == ["c"]
    monitor.take()
    await idle()


async def test_no_links_need_no_message(monitor: Monitor):
    def none() -> Iterator[str]:
        yield from ()

    LinkNotifier(monitor.send).notify(none())
    await idle()
    assert monitor.messages.empty()
