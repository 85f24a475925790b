"""A stand-in for the service, and both clients in front of it."""

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import httpx
import pytest
from tenacity import AsyncRetrying, Retrying

from pba.client import (
    AsyncPBAClient,
    PBAClient,
    async_calls,
    async_streams,
    connection,
    sync_calls,
    sync_streams,
)
from pba.client.connection import HttpxArguments, httpx_arguments

URL = "http://pba:1"
Handler = Callable[[httpx.Request], httpx.Response]
Call = Callable[..., Awaitable[Any]]


class StandIn:
    """Responds as ``handler`` does; keeps the requests, and the waits of the clients."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.waits_s: list[float] = []
        self.handler: Handler = lambda _: httpx.Response(500)

    def respond(self, status: int = 200, **options: Any) -> None:
        """Send one response from now on; ``options`` are those of `httpx.Response`."""
        self.handler = lambda _: httpx.Response(status, **options)

    def respond_in_turn(self, *outcomes: httpx.Response | Exception) -> None:
        """Send or raise one of ``outcomes`` after the other."""
        rest = iter(outcomes)

        def handler(_: httpx.Request) -> httpx.Response:
            outcome = next(rest)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        self.handler = handler

    @property
    def newest(self) -> httpx.Request:
        return self.requests[-1]

    @property
    def body(self) -> Any:
        return json.loads(self.newest.content)

    def transport(self) -> httpx.MockTransport:
        def handle(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return self.handler(request)

        return httpx.MockTransport(handle)

    def sleep(self, seconds: float) -> None:
        self.waits_s.append(seconds)

    async def sleep_async(self, seconds: float) -> None:
        self.waits_s.append(seconds)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Return the stand-in that every client made in the test reaches."""
    service = StandIn()

    def arguments(*options: Any) -> HttpxArguments:
        return httpx_arguments(*options) | {"transport": service.transport()}

    monkeypatch.setattr(connection, "httpx_arguments", arguments)
    for module, kind, sleep in (
        (async_calls, AsyncRetrying, lambda seconds: service.sleep_async(seconds)),
        (async_streams, AsyncRetrying, lambda seconds: service.sleep_async(seconds)),
        (sync_calls, Retrying, service.sleep),
        (sync_streams, Retrying, service.sleep),
    ):
        monkeypatch.setattr(module, kind.__name__, partial(kind, sleep=sleep))
    return service


@pytest.fixture(params=["blocking", "async"])
def call(request: pytest.FixtureRequest, service: StandIn) -> Call:
    """Return a function that makes one call with either client."""

    async def with_async(name: str, *args: object, retries: int = 2, **options: object) -> object:
        async with AsyncPBAClient(URL, retries=retries) as client:
            return await getattr(client, name)(*args, **options)

    async def with_blocking(
        name: str, *args: object, retries: int = 2, **options: object
    ) -> object:
        with PBAClient(URL, retries=retries) as client:
            return getattr(client, name)(*args, **options)

    return with_async if request.param == "async" else with_blocking
