"""Only large requests are read in a thread of their own."""

import threading
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from google.protobuf.message import Message

from deployments.grpc import pba_pb2 as pb
from deployments.large_requests import LARGE_BYTES, LARGE_ROWS, read_request
from pba.serving.data_plane import DataPlane
from pba.serving.pools import Pools

PLANE = cast(DataPlane, SimpleNamespace(pools=Pools()))


def thread_of(_: object, result: int) -> tuple[int, int]:
    return threading.get_ident(), result


@pytest.mark.parametrize(
    ("request_", "large"),
    [
        (b" " * LARGE_BYTES, True),
        (b" " * (LARGE_BYTES - 1), False),
        ({"requests": [{}] * (LARGE_ROWS // 50)}, True),
        ({"samples": [{}] * LARGE_ROWS}, True),
        ({"samples": [{}] * (LARGE_ROWS - 1)}, False),
        ({"history": [{}] * LARGE_ROWS}, False),
        ({"requests": [{}], "mode": 5}, False),
        ({}, False),
        (pb.ForecastRequest(columns={"timestamp_s": [1.0] * (LARGE_BYTES // 8)}), True),
        (pb.ForecastRequest(columns={"timestamp_s": [1.0]}), False),
    ],
)
async def test_the_loop_reads_small_requests_itself(
    request_: bytes | Message | Mapping[str, Any], large: bool
):
    thread, result = await read_request(PLANE, thread_of, request_, 7)
    assert (thread != threading.get_ident()) == large
    assert result == 7


async def test_errors_of_large_requests_reach_the_caller():
    def refuse(_: bytes) -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await read_request(PLANE, refuse, b" " * LARGE_BYTES)
