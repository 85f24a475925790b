import asyncio

import pytest

from pba.errors import StoreUnavailable
from pba.serving.deadline import store_deadline


async def test_at_the_deadline_the_store_counts_as_unavailable():
    with pytest.raises(StoreUnavailable, match=r"not answered within 0\.01 s"):
        async with store_deadline(0.01):
            await asyncio.Event().wait()


async def test_errors_and_results_before_the_deadline_pass():
    with pytest.raises(KeyError):
        async with store_deadline(10.0):
            raise KeyError
    async with store_deadline(10.0):
        await asyncio.sleep(0)
