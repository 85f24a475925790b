"""Several addresses of one service: which is used, when it is left, and what that costs."""

import asyncio
import socket
from collections.abc import Callable, Iterator

import httpx
import pytest

from pba.client import AsyncPBAClient, PBAClient
from pba.errors import Busy, Unavailable
from tests.client.conftest import StandIn
from tests.client.local_server import server

A, B = "http://a:1/pba", "http://b:2"


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Yield a port at which nothing listens, for as long as the test lasts."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture(params=["blocking", "async"])
def calls(request: pytest.FixtureRequest) -> Callable[[str, int, int], None]:
    """Return a function that asks one client for the models so often."""

    def blocking(url: str, times: int, retries: int) -> None:
        with PBAClient(url, retries=retries) as client:
            for _ in range(times):
                client.models()

    async def at_once(url: str, times: int, retries: int) -> None:
        async with AsyncPBAClient(url, retries=retries) as client:
            for _ in range(times):
                await client.models()

    if request.param == "blocking":
        return blocking
    return lambda *arguments: asyncio.run(at_once(*arguments))


def models() -> httpx.Response:
    return httpx.Response(200, json={"models": {}})


def hosts_of(service: StandIn) -> list[str]:
    return [request.url.host for request in service.requests]


def test_a_dead_address_costs_no_call(calls: Callable[[str, int, int], None], closed_port: int):
    with server() as (port, requests):
        calls(f"http://127.0.0.1:{closed_port},http://127.0.0.1:{port}", 3, 0)
        assert len(requests) == 3


def test_an_address_that_failed_is_left_at_once_and_for_good(
    service: StandIn, calls: Callable[[str, int, int], None]
):
    lost = httpx.ConnectError("no route")
    service.respond_in_turn(lost, models(), models(), lost, models())
    calls(f"{A},{B}", 3, 0)
    assert hosts_of(service) == ["a", "b", "b", "b", "a"]
    assert [request.url.path for request in service.requests][::4] == ["/pba/v1/models"] * 2
    assert service.waits_s == [0.0, 0.0]


@pytest.mark.parametrize("status", [502, 503, 504])
def test_an_address_whose_service_is_away_is_left(
    service: StandIn, calls: Callable[[str, int, int], None], status: int
):
    service.respond_in_turn(httpx.Response(status), models(), models())
    calls(f"{A},{B}", 2, 0)
    assert hosts_of(service) == ["a", "b", "b"]


def test_a_busy_service_is_busy_at_every_address(
    service: StandIn, calls: Callable[[str, int, int], None]
):
    busy = httpx.Response(429, json={"error": {"code": "busy", "message": "later"}})
    service.respond_in_turn(busy)
    with pytest.raises(Busy):
        calls(f"{A},{B}", 1, 0)
    assert hosts_of(service) == ["a"]


def test_every_address_is_tried_before_a_call_waits(
    service: StandIn, calls: Callable[[str, int, int], None]
):
    def fail(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    service.handler = fail
    with pytest.raises(Unavailable):
        calls(f"{A},{B}", 1, 2)
    assert hosts_of(service) == ["a", "b", "a", "b"]
    assert service.waits_s[0] == 0.0
    assert min(service.waits_s[1:]) > 0.0


def test_a_change_is_sent_to_the_next_address_where_nothing_was_done(service: StandIn):
    service.respond_in_turn(httpx.ConnectError("no route"), httpx.Response(200, json={}))
    with PBAClient([A, B], retries=0) as client:
        client.delete_link("x")
    assert hosts_of(service) == ["a", "b"]


def test_a_stream_goes_on_at_the_next_address(service: StandIn):
    stream = httpx.Response(
        200, headers={"Content-Type": "text/event-stream"}, content="id: 7\ndata: [0]\n\n"
    )
    service.respond_in_turn(stream, httpx.ConnectError("no route"), httpx.Response(404, json={}))
    with PBAClient(f"{A},{B}") as client:
        events = client._events("/v1/events/watch")
        next(events)
        with pytest.raises(Unavailable):
            next(events)
    assert hosts_of(service) == ["a", "a", "b"]
    assert [request.headers.get("Last-Event-ID") for request in service.requests] == [
        None,
        "7",
        "7",
    ]


def test_threads_that_fail_together_leave_an_address_once(service: StandIn):
    with PBAClient(f"{A},{B}") as client:
        connection = client._connection
        failed = connection.urls[0]
        connection.leave(failed)
        connection.leave(failed)
        assert connection.http.base_url.host == "b"


@pytest.mark.parametrize("addresses", [1, 2])
def test_with_several_addresses_a_machine_that_is_gone_is_noticed_in_seconds(
    calls: Callable[[str, int, int], None], monkeypatch: pytest.MonkeyPatch, addresses: int
):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    options: list[tuple[int, ...]] = []
    real = socket.socket.setsockopt

    def record(used: socket.socket, *option: int) -> None:
        options.append(option)
        real(used, *option)

    monkeypatch.setattr(socket.socket, "setsockopt", record)
    with server() as (port, _):
        calls(",".join([f"http://127.0.0.1:{port}"] * addresses), 1, 0)
    limit = (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 2500)
    assert (limit in options) is (addresses > 1)
