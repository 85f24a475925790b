"""A long request in parts, two at a time: one is read and put together while models compute."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

__all__ = ["CHUNK", "in_chunks"]

CHUNK = 128
"""The most items of a part: that many windows make one call of a model."""

_AT_ONCE = 2

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


async def in_chunks(
    items: Sequence[_Item], work: Callable[[Sequence[_Item], int], Awaitable[Sequence[_Result]]]
) -> list[_Result]:
    """Return what ``work`` makes of ``items``, in order; raises what the first part to fail raises.

    Parameters
    ----------
    work
        Is given a part, and how many are worked on at once and so wait for each other's calls.
    """
    if len(items) <= CHUNK:
        return list(await work(items, 1))
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(part: Sequence[_Item]) -> Sequence[_Result]:
        async with room:
            return await work(part, _AT_ONCE)

    try:
        async with asyncio.TaskGroup() as group:
            parts = (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))
            tasks = [group.create_task(one(part)) for part in parts]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [result for task in tasks for result in task.result()]
