"""Wait until a condition holds, and fail when it does not in time."""

import asyncio
import time
from collections.abc import Callable

POLL_S = 0.1
PATIENCE_S = 120.0
"""More than a slow machine takes for what is not a promise of the service itself."""


def wait_until(
    holds: Callable[[], bool], what: str = "the condition", *, limit_s: float = PATIENCE_S
) -> None:
    """Return as soon as ``holds()`` is true; fail after ``limit_s``."""
    limit = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < limit, f"{what} did not hold within {limit_s:g} s"
        time.sleep(POLL_S)


async def until(
    holds: Callable[[], bool], what: str = "the condition", *, limit_s: float = PATIENCE_S
) -> None:
    """Do the same without blocking the event loop; ``holds`` runs in a thread."""
    await asyncio.to_thread(wait_until, holds, what, limit_s=limit_s)
