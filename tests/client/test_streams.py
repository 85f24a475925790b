"""Streams of both clients: what comes, where they go on, and which errors end them."""

import json
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Any

import httpx
import pytest

from pba.client import AsyncPBAClient, PBAClient, streams
from pba.errors import Forbidden, NotFound, Unavailable
from pba.types import Event, Forecast
from tests.client.conftest import URL, StandIn
from tests.client.test_clients import FORECAST as ANY_FORECAST

Take = Callable[..., Awaitable[list[Any]]]
FORECAST = ANY_FORECAST.as_dict()
HEADERS = {"Content-Type": "text/event-stream; charset=utf-8"}


@pytest.fixture(params=["blocking", "async"])
def take(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Take:
    """Return a function that takes the first items of a stream of either client."""
    monkeypatch.setattr(streams, "PAUSE_S", 0.0)

    async def with_async(count: int, name: str, *args: Any, **options: Any) -> list[Any]:
        async with AsyncPBAClient(URL) as client:
            stream, items = getattr(client, name)(*args, **options), []
            async for item in stream:
                items.append(item)
                if len(items) == count:
                    break
            await stream.aclose()
            return items

    async def with_blocking(count: int, name: str, *args: Any, **options: Any) -> list[Any]:
        with PBAClient(URL) as client:
            return [*islice(getattr(client, name)(*args, **options), count)]

    return with_async if request.param == "async" else with_blocking


def stream(*events: tuple[str, str, Any]) -> httpx.Response:
    parts = [
        f"id: {number}\nevent: {kind}\ndata: {json.dumps(body)}\n\n"
        for kind, number, body in events
    ]
    return httpx.Response(200, text="retry: 1000\n\n" + ": \n\n".join(parts), headers=HEADERS)


def forecast_after(seconds: int) -> dict[str, Any]:
    return FORECAST | {"newest_sample_at": f"2026-03-01T12:00:{seconds:02}Z"}


async def test_a_watched_link_yields_forecasts_and_goes_on_after_the_last(
    service: StandIn, take: Take
):
    first, second = forecast_after(0), forecast_after(1)
    service.respond_in_turn(
        stream(("forecast", "a@0", first)),
        httpx.ReadError("broken off"),
        stream(("forecast", "a@1", second)),
    )
    assert await take(2, "watch", "a") == [Forecast.from_dict(one) for one in (first, second)]
    sent = [(one.url.path, one.headers.get("last-event-id")) for one in service.requests]
    assert sent == [("/v1/links/a/watch", None), *[("/v1/links/a/watch", "a@0")] * 2]
    assert service.newest.headers["accept"] == "text/event-stream"


async def test_events_are_chosen_and_begin_where_the_caller_says(service: StandIn, take: Take):
    event = Event("drift", 1_772_366_400.0, "a>b", {"before": 1.0}, 8)
    service.respond_in_turn(stream(("drift", "8", event.as_dict())))
    assert await take(1, "watch_events", "drift", "a>b", after=7) == [event]
    assert str(service.newest.url) == f"{URL}/v1/events/watch?kind=drift&link_id=a%3Eb"
    assert service.newest.headers["last-event-id"] == "7"


async def test_an_error_of_the_service_ends_the_stream(service: StandIn, take: Take):
    error = {"code": "forbidden", "message": "the rights have changed"}
    service.respond_in_turn(stream(("error", "", error)))
    with pytest.raises(Forbidden, match="have changed"):
        await take(1, "watch", "a")
    body = {"error": {"code": "not_found", "message": "no link is called 'a'"}}
    service.respond_in_turn(httpx.Response(404, json=body))
    with pytest.raises(NotFound, match="no link"):
        await take(1, "watch", "a")


async def test_a_busy_service_is_tried_again(service: StandIn, take: Take):
    busy = httpx.Response(429, headers={"Retry-After": "3"})
    service.respond_in_turn(busy, stream(("forecast", "a@0", FORECAST)))
    assert await take(1, "watch", "a") == [Forecast.from_dict(FORECAST)]
    assert service.waits_s == [3.0]


async def test_what_is_no_stream_is_an_error_that_shows_its_beginning(service: StandIn, take: Take):
    service.respond(200, text="<h1>Sign in</h1>")
    with pytest.raises(Unavailable, match="Sign in"):
        await take(1, "watch", "a")


async def test_an_event_that_cannot_be_read_is_an_error(service: StandIn, take: Take):
    service.respond_in_turn(stream(("forecast", "a@0", {"link_id": "a"})))
    with pytest.raises(Unavailable, match="that PBA does not send"):
        await take(1, "watch", "a")
