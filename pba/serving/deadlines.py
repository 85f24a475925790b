"""How long a call waits for the store."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from pba.errors import StoreUnavailable

__all__ = ["store_deadline"]


@contextlib.asynccontextmanager
async def store_deadline(limit_s: float) -> AsyncIterator[None]:
    """Cancel what the context awaits after ``limit_s``, and raise `StoreUnavailable`.

    A running transaction is not stopped and may still commit.
    """
    try:
        async with asyncio.timeout(limit_s):
            yield
    except TimeoutError:
        raise StoreUnavailable(
            f"the telemetry store has not answered within {limit_s:g} s. Try again: samples that "
            "are stored already are not stored twice."
        ) from None
