"""Wait until a condition holds, and fail when it does not in time."""

import asyncio
import time
from collections.abc import Callable

POLL_S = 0.1


def wait_until(holds: Callable[[], bool], limit_s: float, what: str = "the condition") -> None:
    """Return as soon as ``holds()`` is true; fail after ``limit_s``."""
    limit = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < limit, f"{what} did not hold within {limit_s:g} s"
        time.sleep(POLL_S)


async def until(holds: Callable[[], bool], limit_s: float, what: str = "the condition") -> None:
    """Do the same without blocking the event loop; ``holds`` runs in a thread."""
    await asyncio.to_thread(wait_until, holds, limit_s, what)
