"""The clients send the documented bodies and raise the errors that the service meant."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import numpy as np
import pytest

from pba import client as clients
from pba.client import AsyncPBAClient, PBAClient, request
from pba.errors import Busy, InvalidHistory, InvalidSample, PBAError, Unavailable
from pba.forecasting import Query
from pba.local import LocalService
from pba.types import History, NetworkMetrics

SERVICE = LocalService({}, clock=lambda: datetime(2026, 3, 1, 12, tzinfo=UTC))
SAMPLES = [
    NetworkMetrics(1e9, 10.0, 5.0),
    NetworkMetrics(datetime.fromtimestamp(1e9 + 1, UTC), 12.0, packet_loss=0.0),
]
HISTORY = History.of(SAMPLES)
FORECAST = SERVICE.forecast(HISTORY)
ERROR = {"code": "invalid_sample", "message": "bad", "field": "history[0].jitter_ms"}

Handler = Callable[[httpx.Request], httpx.Response]


class Wire:
    """A service that answers as it is told and remembers what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[httpx.Request] = []
        self.answer: Handler = lambda _: httpx.Response(500)
        for kind in (httpx.Client, httpx.AsyncClient):
            monkeypatch.setattr(clients.httpx, kind.__name__, self._wired(kind))

    def _wired(self, kind: type) -> Callable[..., object]:
        return lambda **options: kind(transport=httpx.MockTransport(self._handle), **options)

    def _handle(self, asked: httpx.Request) -> httpx.Response:
        self.asked.append(asked)
        return self.answer(asked)

    def says(self, body: object, status: int = 200) -> None:
        self.answer = lambda _: httpx.Response(status, json=body)

    @property
    def body(self) -> object:
        return json.loads(self.asked[-1].content)


@pytest.fixture
def wire(monkeypatch) -> Wire:
    return Wire(monkeypatch)


@pytest.fixture(params=["blocking", "async"])
def call(request, wire) -> Callable[..., object]:
    """Return a function that makes one call with either client."""

    async def awaited(name: str, *args: object, **options: object) -> object:
        async with AsyncPBAClient("http://pba:1") as client:
            return await getattr(client, name)(*args, **options)

    async def blocking(name: str, *args: object, **options: object) -> object:
        with PBAClient("http://pba:1") as client:
            return getattr(client, name)(*args, **options)

    return awaited if request.param == "async" else blocking


def test_a_request_leaves_out_what_was_not_measured():
    assert request(SAMPLES, link_id="a:b", mode="internet") == {
        "history": [
            {"timestamp": 1e9, "bandwidth_mbps": 10.0, "latency_ms": 5.0},
            {"timestamp": 1e9 + 1, "bandwidth_mbps": 12.0, "packet_loss": 0.0},
        ],
        "mode": "internet",
        "link_id": "a:b",
    }


def test_a_request_without_a_link_names_none_and_detects_the_mode():
    assert set(request(HISTORY)) == {"history", "mode"}
    assert request(HISTORY)["mode"] == "auto"
    assert request(HISTORY)["history"] == request(SAMPLES)["history"]


def test_samples_are_checked_before_they_are_sent():
    with pytest.raises(InvalidSample, match="packet_loss"):
        request([NetworkMetrics(0.0, 1.0, packet_loss=2.0)])


async def test_a_forecast_comes_back_as_it_was_made(wire, call):
    wire.says(FORECAST.as_dict())
    assert await call("forecast", SAMPLES, link_id="a:b", mode="internet") == FORECAST
    assert (wire.asked[-1].method, str(wire.asked[-1].url)) == ("POST", "http://pba:1/v1/forecast")
    assert wire.body == request(SAMPLES, link_id="a:b", mode="internet")


async def test_many_forecasts_come_back_in_order_with_what_is_wrong(wire, call):
    wire.says({"forecasts": [{"forecast": FORECAST.as_dict()}, {"error": ERROR}]})
    first, second = await call("forecasts", [SAMPLES, HISTORY])
    assert first == FORECAST
    assert isinstance(second, InvalidSample)
    assert second.body() == ERROR
    assert wire.asked[-1].url.path == "/v1/forecasts"
    assert wire.body == {"requests": [request(SAMPLES), request(HISTORY)]}


async def test_the_models_are_what_the_service_says(wire, call):
    wire.says({"models": {"internet": {"version": "7"}}})
    assert await call("models") == {"internet": {"version": "7"}}
    assert (wire.asked[-1].method, wire.asked[-1].url.path) == ("GET", "/v1/models")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (422, "invalid_history", InvalidHistory),
        (429, "busy", Busy),
        (503, "unavailable", Unavailable),
        (500, "internal", PBAError),
        (418, "from_the_future", PBAError),
    ],
)
async def test_a_refusal_is_raised_as_the_error_it_was(wire, call, status, code, kind):
    wire.says({"error": {"code": code, "message": "why"}}, status)
    with pytest.raises(PBAError, match="why") as caught:
        await call("forecast", SAMPLES)
    assert type(caught.value) is kind


@pytest.mark.parametrize(("status", "kind"), [(429, Busy), (502, Unavailable), (404, Unavailable)])
@pytest.mark.parametrize(
    "content", [b"<html>Bad Gateway</html>", b"", b"[]", b"null", b'{"detail": "x"}']
)
async def test_an_answer_from_something_else_in_between_is_told_apart(
    wire, call, status, kind, content
):
    wire.answer = lambda _: httpx.Response(status, content=content)
    with pytest.raises(kind, match=f"the service answered {status}"):
        await call("forecast", SAMPLES)


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.ReadError])
async def test_a_service_that_does_not_answer_is_unavailable(wire, call, error):
    def fail(_: httpx.Request) -> httpx.Response:
        raise error("nobody there")

    wire.answer = fail
    with pytest.raises(Unavailable, match="http://pba:1.* does not answer.*make serve"):
        await call("models")


async def test_a_call_over_a_real_socket_to_nobody_is_unavailable():
    with pytest.raises(Unavailable), PBAClient("http://127.0.0.1:9", timeout_s=5.0) as client:
        client.models()


def test_both_clients_have_the_same_calls():
    def calls(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    assert calls(PBAClient) == calls(AsyncPBAClient) == {"close", "forecast", "forecasts", "models"}


async def test_the_body_of_a_client_is_what_the_service_reads():
    body = request(SAMPLES)
    samples = [
        NetworkMetrics(
            sample["timestamp"],
            *(
                sample.get(name, np.nan)
                for name in (
                    "bandwidth_mbps",
                    "latency_ms",
                    "packet_loss",
                    "jitter_ms",
                    "throughput_mbps",
                )
            ),
        )
        for sample in body["history"]
    ]
    (said,) = SERVICE.forecasts([Query(History.of(samples))])
    assert said == FORECAST
