"""Threads for what blocks, by kind, so that a slow kind of work holds up no other."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, fields
from typing import Protocol, Self, TypeVar

__all__ = ["DEFAULT_POOL", "Pool", "Pools", "ThreadPool"]

_Result = TypeVar("_Result")

TimeCall = Callable[[str, float], None]
"""Is told the pool of a call, and how many seconds it took."""


def _ignore(pool: str, seconds: float) -> None:
    pass


class Pool(Protocol):
    """Anything that runs a blocking function without holding up the event loop."""

    async def __call__(self, call: Callable[[], _Result], /) -> _Result:
        """Return what ``call`` returns."""

    def close(self) -> None:
        """Start no further function; those that run end in their own time."""


class ThreadPool:
    """Runs blocking functions in ``threads`` threads of its own; more wait for their turn.

    A call that is cancelled while it waits does not run any more. Functions run in the context of
    their caller: what they log belongs to its request.

    Parameters
    ----------
    name
        What the threads are called in a profile.
    threads
        How many functions run at a time.
    time_call
        Called with ``name`` and the seconds of each call, its wait for a thread among them.
    """

    def __init__(self, name: str, threads: int, time_call: TimeCall = _ignore) -> None:
        self._name, self._time_call = name, time_call
        self._executor = ThreadPoolExecutor(threads, f"pba-{name}")

    async def __call__(self, call: Callable[[], _Result], /) -> _Result:
        """Return what ``call`` returns."""
        started, loop = time.perf_counter(), asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, copy_context().run, call)
        finally:
            self._time_call(self._name, time.perf_counter() - started)

    def close(self) -> None:
        """Start no further function; those that run end in their own time."""
        self._executor.shutdown(wait=False, cancel_futures=True)


class _DefaultPool:
    async def __call__(self, call: Callable[[], _Result], /) -> _Result:
        return await asyncio.to_thread(call)

    def close(self) -> None:
        """Leave the threads to the event loop."""


DEFAULT_POOL: Pool = _DefaultPool()
"""The event loop's own threads: for one process with little to do."""


@dataclass(frozen=True, slots=True)
class Pools:
    """Where a router's blocking calls run, by kind.

    Parameters
    ----------
    writes
        Commits of samples and forecasts.
    reads
        What forecasts start from.
    flags
        Flags and health: the kill switch waits for nobody.
    reports
        Reports, lists and deletions, which may be slow.
    bodies
        Large requests are read here.
    keys
        The keys of callers: who is refused waits for nobody either.
    forecasts
        Large requests are planned, assembled and answered here, a step of one at a time: more
        threads would only share one interpreter.
    """

    writes: Pool = DEFAULT_POOL
    reads: Pool = DEFAULT_POOL
    flags: Pool = DEFAULT_POOL
    reports: Pool = DEFAULT_POOL
    bodies: Pool = DEFAULT_POOL
    keys: Pool = DEFAULT_POOL
    forecasts: Pool = DEFAULT_POOL

    @classmethod
    def separate(cls, time_store: TimeCall = _ignore) -> Self:
        """Return pools whose threads are their own.

        Writes are commits one after the other, and more readers only share one interpreter.
        ``time_store`` is told of each call of the store.
        """
        return cls(
            writes=ThreadPool("writes", 2, time_store),
            reads=ThreadPool("reads", 4, time_store),
            flags=ThreadPool("flags", 2, time_store),
            reports=ThreadPool("reports", 2, time_store),
            bodies=ThreadPool("bodies", 2),
            keys=ThreadPool("keys", 2, time_store),
            forecasts=ThreadPool("forecasts", 1),
        )

    def close(self) -> None:
        """Start no further function."""
        for field in fields(self):
            getattr(self, field.name).close()
