"""Random messages, and bytes that are none, get a status of `error_codes` that is no defect.

`make fuzz` sends 100 000. ``PBA_FUZZ_SEED`` chooses others.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from deployments.error_codes import STATUS
from deployments.grpc import pba_pb2 as pb
from deployments.grpc.server import SERVICE, GrpcServer
from deployments.settings import Settings
from pba.serving.data_plane import DataPlane
from tests.deployments.grpc.random_messages import KINDS, content
from tests.serving.link_harness import open_links
from tests.support.fuzzing import (
    REQUESTS,
    Bounds,
    assert_short_echo,
    bounds as bounds,  # a fixture
    count_of,
    random_of,
)
from tests.support.in_process import NoMeter
from tests.support.keys import callers, refusal_counter
from tests.support.ports import own_port

DESCRIBED = {codes.grpc for codes in STATUS.values()} - {grpc.StatusCode.INTERNAL}
AT_ONCE = 8
RESPONSES: dict[str, Any] = {
    "Forecast": pb.ForecastResponse,
    "ForecastBatch": pb.ForecastBatchResponse,
    "Observe": pb.ObserveResponse,
}


@pytest.fixture
async def channel(tmp_path: Path) -> AsyncIterator[grpc.aio.Channel]:
    with own_port() as port:
        limits = Settings(grpc_port=port, max_items=20, max_body_mb=0.1, large_bodies_mb=0.8)
        async with (
            open_links(tmp_path) as harness,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as opened,
        ):
            plane = DataPlane(harness.forecasts, harness.links, 256, NoMeter())
            server = GrpcServer(plane, limits, await callers(), _no_problems, refusal_counter())
            await server.start()
            yield opened
            await server.stop()


async def _no_problems() -> dict[str, str]:
    return {}


@pytest.mark.timeout(0 if REQUESTS else 60)
async def test_any_message_gets_a_described_status(channel: grpc.aio.Channel, bounds: Bounds):
    randoms = {method: random_of(method) for method in KINDS}
    for _ in range(count_of(500, len(KINDS)) // AT_ONCE + 1):
        for method, random in randoms.items():
            contents = [content(random, method) for _ in range(AT_ONCE)]
            await asyncio.gather(*(send(channel, method, data, bounds) for data in contents))


async def send(channel: grpc.aio.Channel, method: str, data: bytes, bounds: Bounds) -> None:
    """Send a message, and check what comes of it."""
    code, messages = await outcome(channel.unary_unary(f"/{SERVICE}/{method}"), method, data)
    assert code in DESCRIBED or code is grpc.StatusCode.OK, (method, data, code, messages)
    for message in messages:
        assert len(message) < 600, (method, data, code, message)
        assert_short_echo(message, data)
    bounds.count()


async def outcome(call: Any, method: str, data: bytes) -> tuple[grpc.StatusCode, list[str]]:
    """Return the status of a call, and the messages of its errors, those of its items too."""
    try:
        response = RESPONSES[method].FromString(await call(data, timeout=20))
    except grpc.aio.AioRpcError as error:
        return error.code(), [error.details() or ""]
    items = [*getattr(response, "forecasts", []), *getattr(response, "refused", [])]
    errors = [item.error for item in items if item.HasField("error")]
    return grpc.StatusCode.OK, [text for error in errors for text in (error.message, error.field)]
