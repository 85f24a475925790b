"""Random messages, and bytes that are none, get a status of `error_codes` that is no defect.

`make fuzz` sends a hundred times as many, others in every run.
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings, strategies as st

from deployments.error_codes import STATUS
from deployments.grpc import pba_pb2 as pb
from deployments.grpc.server import SERVICE, GrpcServer
from deployments.settings import Settings
from pba.serving.data_plane import DataPlane
from tests.deployments.grpc.messages import request
from tests.serving.link_harness import open_links
from tests.support.histories import INTERNET
from tests.support.in_process import NoMeter
from tests.support.keys import callers, refusal_counter
from tests.support.ports import own_port

TIMES = int(os.environ.get("PBA_FUZZ_TIMES", "1"))
CALLS = 30
DESCRIBED = {codes.grpc for codes in STATUS.values()} - {grpc.StatusCode.INTERNAL}
KINDS: dict[str, type[Message]] = {
    "Forecast": pb.ForecastRequest,
    "ForecastBatch": pb.ForecastBatchRequest,
    "Observe": pb.ObserveRequest,
}
NUMBERS = st.floats() | st.sampled_from([0.0, -1.0, 1.0, 1e300, 1.7e9])
NAMES = st.text(max_size=8) | st.sampled_from(["fra1:ams2", "", "..", "a/b", "k" * 300])


@pytest.fixture
async def channel(tmp_path: Path) -> AsyncIterator[grpc.aio.Channel]:
    with own_port() as port:
        limits = Settings(grpc_port=port, max_items=20, max_body_mb=0.1, large_bodies_mb=0.2)
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


@st.composite
def messages(draw: st.DrawFn, kind: Any, depth: int = 0) -> Any:
    """Return a message of ``kind`` with some of its fields, of any value that their types have."""
    message = kind()
    for field in kind.DESCRIPTOR.fields:
        if not draw(st.booleans()):
            continue
        count = draw(st.integers(0, 4)) if field.is_repeated else 1
        values = [draw(_value(field, depth)) for _ in range(count)]
        if field.is_repeated:
            getattr(message, field.name).extend(values)
        elif field.message_type:
            getattr(message, field.name).CopyFrom(values[0])
        else:
            setattr(message, field.name, values[0])
    return message


def _value(field: Any, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type:
        return messages(field.message_type._concrete_class, depth + 1)
    if field.enum_type:
        return st.integers(-(1 << 31), (1 << 31) - 1) | st.integers(0, 4)
    kinds = {
        field.TYPE_DOUBLE: NUMBERS,
        field.TYPE_STRING: NAMES,
        field.TYPE_BOOL: st.booleans(),
        field.TYPE_UINT32: st.integers(0, (1 << 32) - 1),
        field.TYPE_UINT64: st.integers(0, (1 << 64) - 1),
    }
    return kinds[field.type]


@st.composite
def changed(draw: st.DrawFn, data: bytes) -> bytes:
    """Return ``data`` cut, or with bytes replaced or inserted."""
    start = draw(st.integers(0, len(data)))
    end = draw(st.integers(start, min(len(data), start + 4)))
    return data[:start] + draw(st.binary(max_size=6)) + draw(st.sampled_from([data[end:], b""]))


@st.composite
def contents(draw: st.DrawFn, method: str) -> bytes:
    """Return a message of ``method``, honest or random, or what has become of one, or bytes."""
    honest = request(INTERNET.first(3), link_id="a")
    kind = KINDS[method]
    plain = honest if method == "Forecast" else kind()
    message = draw(st.one_of(st.just(plain), messages(kind)))
    data: bytes = message.SerializeToString()
    return draw(st.one_of(st.just(data), changed(data), st.binary(max_size=40)))


@pytest.mark.parametrize("method", KINDS)
@settings(
    max_examples=5 * TIMES,
    derandomize=TIMES == 1,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
async def test_any_message_gets_a_described_status(
    channel: grpc.aio.Channel, method: str, data: st.DataObject
):
    call = channel.unary_unary(f"/{SERVICE}/{method}")
    for content in data.draw(st.lists(contents(method), min_size=CALLS, max_size=CALLS)):
        code, details = await status(call, content)
        assert code in DESCRIBED or code is grpc.StatusCode.OK, (method, content, code, details)
        assert len(details) < 600, (method, content, code, details)


async def status(call: Any, content: bytes) -> tuple[grpc.StatusCode, str]:
    """Return the status of a call, and its details."""
    try:
        await call(content, timeout=20)
    except grpc.aio.AioRpcError as error:
        return error.code(), error.details() or ""
    return grpc.StatusCode.OK, ""
