"""Calls that both clients repeat, how long they wait, and what is never repeated."""

import asyncio
from typing import Any

import httpx
import pytest

from pba.client import AsyncPBAClient
from pba.errors import Busy, InvalidSample, Unavailable
from pba.types import NetworkMetrics
from tests.client.conftest import URL, Call, StandIn

SAMPLES = [NetworkMetrics(1e9, 10.0, 5.0), NetworkMetrics(1e9 + 1, 12.0, packet_loss=0.0)]
ERROR = {"code": "invalid_sample", "message": "bad", "field": "history[0].jitter_ms"}


@pytest.mark.parametrize("status", [429, 502, 503, 504, None])
async def test_a_call_is_repeated_where_the_service_was_busy_or_away(
    service: StandIn, call: Call, status: int | None
):
    body = {"error": {"code": "store_unavailable", "message": "x"}}
    first, second = (
        httpx.Response(status, json=body) if status else httpx.ConnectError("no route")
        for _ in range(2)
    )
    service.respond_in_turn(first, second, httpx.Response(200, json={"models": {}}))
    assert await call("models") == {}
    first_s, second_s = service.waits_s
    assert 0.0 <= first_s <= 0.1
    assert 0.0 <= second_s <= 0.2


CHANGES = [("delete_link", ("a",)), ("set_flags", ({}, 1, "anna"))]
CHANGED = {"version": 1, "flags": {}}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change[0])
@pytest.mark.parametrize("outcome", [502, 504, httpx.ReadTimeout, httpx.RemoteProtocolError])
async def test_a_change_that_may_have_succeeded_is_not_repeated(
    service: StandIn, call: Call, change: tuple[str, tuple[object, ...]], outcome: Any
):
    error = httpx.Response(outcome) if isinstance(outcome, int) else outcome("lost")
    service.respond_in_turn(error, httpx.Response(200, json=CHANGED))
    with pytest.raises(Unavailable):
        await call(change[0], *change[1])
    assert len(service.requests) == 1


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change[0])
@pytest.mark.parametrize("outcome", [429, 503, httpx.ConnectError, httpx.ConnectTimeout])
async def test_a_change_that_never_began_is_repeated(
    service: StandIn, call: Call, change: tuple[str, tuple[object, ...]], outcome: Any
):
    error = httpx.Response(outcome) if isinstance(outcome, int) else outcome("no route")
    service.respond_in_turn(error, httpx.Response(200, json=CHANGED))
    await call(change[0], *change[1])
    assert len(service.requests) == 2


async def test_a_call_waits_as_long_as_retry_after_says(service: StandIn, call: Call):
    date = {"Retry-After": "Wed, 25 Nov 2026 02:36:04 GMT", "Date": "Wed, 25 Nov 2026 02:36:00 GMT"}
    service.respond_in_turn(
        httpx.Response(429, headers={"Retry-After": "3"}),
        httpx.Response(503, headers=date),
        httpx.Response(200, json={"models": {}}),
    )
    assert await call("models") == {}
    assert service.waits_s == [3.0, 4.0]


async def test_the_last_error_is_raised_when_retries_are_exhausted(service: StandIn, call: Call):
    service.respond_in_turn(
        httpx.ConnectError("no route"),
        httpx.Response(503),
        httpx.Response(429, json={"error": {"code": "busy", "message": "later"}}),
    )
    with pytest.raises(Busy, match="^later$"):
        await call("models")
    assert (len(service.requests), len(service.waits_s)) == (3, 2)


async def test_without_retries_one_request_is_sent(service: StandIn, call: Call):
    service.respond(503, headers={"Retry-After": "1"})
    with pytest.raises(Unavailable):
        await call("models", retries=0)
    assert (len(service.requests), service.waits_s) == (1, [])


@pytest.mark.parametrize("status", [400, 404, 409, 422, 500])
async def test_other_errors_are_not_repeated(service: StandIn, call: Call, status: int):
    service.respond(status, json={"error": ERROR})
    with pytest.raises(InvalidSample):
        await call("forecast", SAMPLES)
    assert len(service.requests) == 1


async def test_a_cancelled_call_ends_at_once_and_is_not_repeated(
    service: StandIn, monkeypatch: pytest.MonkeyPatch
):
    sent = asyncio.Event()

    async def respond_never(_: httpx.Request) -> httpx.Response:
        sent.set()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(service, "transport", lambda: httpx.MockTransport(respond_never))
    async with AsyncPBAClient(URL) as client:
        task = asyncio.create_task(client.models())
        await sent.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert service.waits_s == []


async def test_a_call_is_cancelled_while_it_waits_to_repeat(
    service: StandIn, monkeypatch: pytest.MonkeyPatch
):
    waiting = asyncio.Event()

    async def wait_endlessly(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(service, "sleep_async", wait_endlessly)
    service.respond(503)
    async with AsyncPBAClient(URL) as client:
        task = asyncio.create_task(client.models())
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(service.requests) == 1


async def test_concurrent_calls_of_one_client_are_repeated_apart(service: StandIn):
    failed: set[str] = set()

    def fail_first(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path in failed:
            return httpx.Response(200, json={"link_id": path})
        failed.add(path)
        return httpx.Response(503, headers={"Retry-After": "2"})

    service.handler = fail_first
    async with AsyncPBAClient(URL, retries=1) as client:
        links = await asyncio.gather(*(client.link(f"link-{number}") for number in range(20)))
    assert [link["link_id"] for link in links] == [f"/v1/links/link-{n}" for n in range(20)]
    assert service.waits_s == [2.0] * 20
