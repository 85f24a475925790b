"""Long requests in chunks, some in flight: one is read or assembled while models compute others."""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

__all__ = ["AT_ONCE", "CHUNK", "chunk_size", "in_chunks", "in_turn"]

CHUNK = 32
"""The most items of a chunk: this many windows make one model call, and one run of a model."""

AT_ONCE = 6
"""How many chunks of a request are in flight: a router and one replica of a model stay busy."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def chunk_size(count: int) -> int:
    """Return the size of each chunk but the last: an even number of them, for two that compute.

    >>> [chunk_size(count) for count in (32, 33, 91, 10_000)]
    [32, 17, 23, 32]
    """
    if count <= CHUNK:
        return CHUNK
    return math.ceil(count / (2 * math.ceil(count / (2 * CHUNK))))


async def in_chunks(
    items: Sequence[_Item],
    work: Callable[[Sequence[_Item], int], Awaitable[Sequence[_Result]]],
    at_once: int = AT_ONCE,
) -> list[_Result]:
    """Return what ``work`` returns for ``items``, in order.

    If chunks fail, the error of the first one that failed is raised.

    Parameters
    ----------
    items
        A chunk is taken from it when its work begins.
    work
        Gets a chunk, and the number of chunks in flight, whose model calls queue behind each other.
    at_once
        How many chunks may be in flight.
    """
    if len(items) <= CHUNK:
        return list(await work(items[:], 1))
    size = chunk_size(len(items))
    slots = asyncio.Semaphore(at_once)

    async def run(start: int) -> Sequence[_Result]:
        async with slots:
            return await work(items[start : start + size], at_once)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(start)) for start in range(0, len(items), size)]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [result for task in tasks for result in task.result()]


async def in_turn(
    items: AsyncIterator[_Item],
    work: Callable[[_Item], Awaitable[_Result]],
    at_once: int = AT_ONCE,
) -> AsyncGenerator[_Result, None]:
    """Yield what ``work`` returns for each of ``items``, in order, while the next are worked on.

    The error of an item, or of ``items``, is raised in its turn. Whoever stops early ends the rest.

    Parameters
    ----------
    at_once
        How many items may be taken and not yielded yet.
    """
    slots = asyncio.Semaphore(at_once)
    begun: asyncio.Queue[asyncio.Future[_Result] | None] = asyncio.Queue()
    tasks: set[asyncio.Future[_Result]] = set()

    async def begin() -> None:
        try:
            await slots.acquire()
            async for item in items:
                task = asyncio.ensure_future(work(item))
                tasks.add(task)
                begun.put_nowait(task)
                await slots.acquire()
        finally:
            begun.put_nowait(None)

    beginning = asyncio.create_task(begin())
    try:
        while (task := await begun.get()) is not None:
            yield await task
            tasks.discard(task)
            slots.release()
        await beginning
    finally:
        beginning.cancel()
        for left in tasks:
            left.cancel()
        await asyncio.gather(beginning, *tasks, return_exceptions=True)
