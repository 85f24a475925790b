"""Random messages, and bytes that are none, get a status of `error_codes` that is no defect.

`make fuzz` sends 100 000 without keys and as many with. ``PBA_FUZZ_SEED`` chooses others.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from deployments.error_codes import STATUS
from deployments.ingress.wiring import grpc_server
from tests.deployments.grpc.messages import METHODS, item_errors
from tests.deployments.grpc.random_messages import content
from tests.support.fuzzing import (
    Bounds,
    assert_short_echo,
    bounds as bounds,  # a fixture
    count_of,
    random_of,
)
from tests.support.in_process import open_in_process
from tests.support.keys import key_headers
from tests.support.ports import own_port

DESCRIBED = {codes.grpc for codes in STATUS.values()} - {grpc.StatusCode.INTERNAL}
AT_ONCE = 8


@dataclass
class Fuzzed:
    """A connection to a server, and the metadata of which each call has some."""

    channel: grpc.aio.Channel
    keys: list[tuple[tuple[str, str], ...]]


@pytest.fixture(params=["open", "with keys"])
async def fuzzed(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Fuzzed]:
    with own_port() as port:
        limits = {"max_items": 20, "max_body_mb": 0.1, "large_bodies_mb": 0.8}
        async with (
            open_in_process(tmp_path, grpc_port=port, **limits) as service,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            known = service.services
            headers = [{}] if request.param == "open" else key_headers(known)
            await known.callers.refresh()
            server = grpc_server(known)
            await server.start()
            yield Fuzzed(channel, [_metadata(each) for each in headers if _is_sent(each)])
            await server.stop()


def _metadata(headers: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name.lower(), value) for name, value in headers.items())


def _is_sent(headers: dict[str, str]) -> bool:
    """Return whether a client of gRPC sends such values: ASCII, and less than 8 kB."""
    return all(value.isascii() and len(value) < 8000 for value in headers.values())


async def test_any_message_gets_a_described_status(fuzzed: Fuzzed, bounds: Bounds):
    randoms = {method: random_of(method) for method in METHODS}
    for _ in range(count_of(160, len(METHODS)) // AT_ONCE + 1):
        for method, random in randoms.items():
            contents = [content(random, method) for _ in range(AT_ONCE)]
            keys = [random.choice(fuzzed.keys) for _ in contents]
            calls = zip(contents, keys, strict=True)
            await asyncio.gather(*(send(fuzzed, method, *each, bounds) for each in calls))


async def send(
    fuzzed: Fuzzed, method: str, data: bytes, key: tuple[tuple[str, str], ...], bounds: Bounds
) -> None:
    """Send a message, and check what comes of it."""
    call = fuzzed.channel.unary_unary(METHODS[method].path)
    code, messages = await outcome(call, method, data, key)
    assert code in DESCRIBED or code is grpc.StatusCode.OK, (method, data, code, messages)
    for message in messages:
        assert len(message) < 600, (method, data, code, message)
        assert_short_echo(message, data)
    bounds.count()


async def outcome(
    call: Any, method: str, data: bytes, key: tuple[tuple[str, str], ...]
) -> tuple[grpc.StatusCode, list[str]]:
    """Return the status of a call, and the messages of its errors, those of its items too."""
    try:
        response = METHODS[method].response.FromString(await call(data, timeout=20, metadata=key))
    except grpc.aio.AioRpcError as error:
        return error.code(), [error.details() or ""]
    errors = item_errors(response)
    return grpc.StatusCode.OK, [text for error in errors for text in (error.message, error.field)]
