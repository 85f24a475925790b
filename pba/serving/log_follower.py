"""Following a numbered log of the store: what is new reaches those who listen, in this process."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, Protocol, TypeVar

from pba.errors import StoreUnavailable
from pba.serving.pools import DEFAULT_POOL, Pool

__all__ = ["LogCursor", "LogFollower", "Numbered"]

_log = logging.getLogger(__name__)

_MISSING_S = 5.0  # longer than a transaction that writes to the log may take
_FEWEST_S = 0.02  # between two looks, however often something is stored here
_MOST = 1000
_OVERLAP = 100  # of what is there at the start, numbers that are missing may still come
_LOST_S = 45.0  # the log keeps its rows for a minute at least


class Numbered(Protocol):
    """Anything with a number in the order of its log; None before it is stored."""

    @property
    def number(self) -> int | None:
        """The number."""


_Item = TypeVar("_Item", bound=Numbered)


class LogCursor:
    """How far a log was read.

    Transactions commit in another order than they take their numbers. A number that is missing may
    therefore still come: it is looked for until it has been missing for 5 s.

    Parameters
    ----------
    number
        All up to this number is known.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self._beyond: set[int] = set()
        self._missing_since_s: float | None = None

    def new(self, items: Sequence[_Item], now_s: float) -> list[_Item]:
        """Return those of ``items`` that were not read before.

        Parameters
        ----------
        items
            The first of the log with numbers above `number`, in their order.
        now_s
            The time now, by a clock that only goes forward.
        """
        new = [item for item in items if item.number not in self._beyond]
        self._beyond.update(item.number for item in new if item.number is not None)
        self._advance()
        if not self._beyond:
            self._missing_since_s = None
        elif self._missing_since_s is None:
            self._missing_since_s = now_s
        elif now_s - self._missing_since_s >= _MISSING_S:
            self.number = min(self._beyond) - 1
            self._advance()
            self._missing_since_s = now_s if self._beyond else None
        return new

    def _advance(self) -> None:
        while self.number + 1 in self._beyond:
            self.number += 1
            self._beyond.remove(self.number)


class LogFollower(Generic[_Item]):
    """Reads what is new in a log every tenth of a second, as long as somebody needs it.

    One query serves all who listen in this process. While the store is away nothing comes; what it
    has stored meanwhile comes afterwards.

    Parameters
    ----------
    newest
        Returns the largest number; blocks.
    after
        Returns the items above a number, at most as many as its second argument; blocks.
    handle
        Gets what is new at every look, which may be nothing, and the number up to which all of the
        log is known then.
    needed
        Whether to go on.
    lost
        Called where rows may be gone before they were read; None for a log that keeps them.
    every_s
        Seconds between two looks.
    pool
        Where the blocking calls run.
    """

    def __init__(
        self,
        newest: Callable[[], int],
        after: Callable[[int, int], list[_Item]],
        handle: Callable[[Sequence[_Item], int], Awaitable[None]],
        needed: Callable[[], bool],
        lost: Callable[[], Awaitable[None]] | None = None,
        every_s: float = 0.1,
        pool: Pool = DEFAULT_POOL,
    ) -> None:
        self._newest, self._after = newest, after
        self._handle, self._needed, self._lost = handle, needed, lost
        self._every_s = every_s
        self._pool = pool
        self._look = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._unavailable = False

    def look(self) -> None:
        """Look at once, since something was stored here; cheap if nobody listens."""
        self._look.set()

    async def start(self) -> None:
        """Follow the log from its end on, if that is not done already.

        Raises
        ------
        StoreUnavailable
            If the store does not answer.
        """
        if self._task is None or self._task.done():
            cursor = await self._cursor_at_end()
            if self._task is None or self._task.done():  # nobody else was faster
                # It goes on for others when the request that has it begin has ended.
                self._task = asyncio.create_task(self._follow(cursor), context=Context())

    def stop(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()

    async def _cursor_at_end(self) -> LogCursor:
        number = max(0, await self._pool(self._newest) - _OVERLAP)
        cursor = LogCursor(number)
        cursor.new(await self._pool(lambda: self._after(number, _MOST)), _loop_s())
        return cursor

    async def _follow(self, cursor: LogCursor) -> None:
        read_s = _loop_s()
        while self._needed():
            try:
                items = await self._pool(lambda: self._after(cursor.number, _MOST))
                if self._lost is not None and _loop_s() - read_s > _LOST_S:
                    await self._lost()
            except StoreUnavailable as error:
                if not self._unavailable:  # logged once, not at every look
                    _log.warning("log_not_followed", extra={"why": str(error)})
                self._unavailable = True
            else:
                self._unavailable = False
                read_s = _loop_s()
                new = cursor.new(items, read_s)
                await self._handle(new, cursor.number)
            await self._pause()

    async def _pause(self) -> None:
        """Wait until it is time to look again: soon if something was stored here."""
        await asyncio.sleep(_FEWEST_S)
        try:
            async with asyncio.timeout(self._every_s - _FEWEST_S):
                await self._look.wait()
        except TimeoutError:
            pass
        self._look.clear()


def _loop_s() -> float:
    return asyncio.get_running_loop().time()
