"""Long steps on the event loop, with room for all else between them."""

import asyncio

__all__ = ["LoopTurns"]

_ROUNDS = 4
"""How many rounds of the loop belong to others: taking in a gRPC call needs two."""


class LoopTurns:
    """Has long steps of many requests take turns, in order.

    Whatever is ready runs in one round of the loop. Without turns that is a step of every large
    request in flight, in which no call is taken in and no small one is answered.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def next(self) -> None:
        """Return a few rounds of the loop after another caller of this method has returned."""
        async with self._lock:
            for _ in range(_ROUNDS):
                await asyncio.sleep(0)
