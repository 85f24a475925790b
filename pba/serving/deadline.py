"""How long the service waits for its store."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from pba.errors import StoreUnavailable

__all__ = ["deadline"]


@contextlib.asynccontextmanager
async def deadline(limit_s: float) -> AsyncIterator[None]:
    """Give up what is awaited inside after ``limit_s``.

    Raises
    ------
    StoreUnavailable
        Then. A transaction that runs is not stopped, and may still be committed.
    """
    try:
        async with asyncio.timeout(limit_s):
            yield
    except TimeoutError:
        raise StoreUnavailable(
            f"the telemetry store has not answered within {limit_s:g} s. Try again: what is stored "
            "already is not stored twice."
        ) from None
