"""A call that fails ends by itself: what its error comes from goes on."""

import asyncio
import threading
from typing import Any

import grpc
import numpy as np
import pytest

from deployments.grpc.call_status import complete
from pba.errors import StoreUnavailable
from pba.serving.group_commit import GroupCommit
from pba.store import Receipt, SampleReport, WriteBatch
from pba.types import NetworkMode


class Aborted(Exception):
    """How a call ends in a status."""


class Context:
    """The context of a call, as far as its end needs it."""

    def invocation_metadata(self) -> None:
        """There is none."""

    def set_trailing_metadata(self, metadata: Any) -> None:
        """Nobody reads it."""

    async def abort(self, code: grpc.StatusCode, details: str, metadata: Any) -> None:
        raise Aborted(code)


def batch(name: str) -> WriteBatch:
    return WriteBatch([SampleReport(name, np.zeros(1), np.zeros((1, 5)))])


async def test_the_writes_after_one_that_failed_are_not_lost():
    failed = threading.Event()

    def write(batch: WriteBatch) -> list[Receipt]:
        if batch.reports[0].link_id == "a":
            raise StoreUnavailable("away")
        assert failed.wait(10)
        return [Receipt(1, 0, 0, 0, NetworkMode.INTERNET)]

    commit = GroupCommit(write, max_waiting=10)
    context: Any = Context()
    first = asyncio.create_task(complete(commit(batch("a")), context))
    await asyncio.sleep(0)
    second = asyncio.create_task(commit(batch("b")))
    with pytest.raises(Aborted, match="UNAVAILABLE"):
        await first
    failed.set()
    async with asyncio.timeout(60):
        assert (await second)[0].accepted == 1
