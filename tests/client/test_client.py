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
from pba.forecasting.planning import Query
from pba.serving.local_service import LocalService
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

    links = {"observe", "observe_many", "link_forecast", "link_forecasts", "link", "delete_link"}
    own = {"close", "forecast", "forecasts", "models", "metrics", "flags", "set_flags", "rollout"}
    assert calls(PBAClient) == calls(AsyncPBAClient) == links | own


RECEIPT = {"accepted": 2, "duplicates": 0, "late": 0, "expired": 0, "mode": "internet"}


async def test_samples_of_links_are_sent_as_documented(wire, call):
    wire.says(RECEIPT)
    assert await call("observe", "fra1:ams2", SAMPLES) == RECEIPT
    assert wire.asked[-1].url.path == "/v1/links/fra1:ams2/samples"
    assert wire.body == {"samples": request(SAMPLES)["history"]}
    wire.says({"links": {"a": RECEIPT}})
    assert await call("observe_many", {"a": SAMPLES}) == {"a": RECEIPT}
    assert wire.body == {"samples": [{"link_id": "a"} | row for row in request(SAMPLES)["history"]]}


async def test_what_is_stored_of_links_is_asked_for_by_name(wire, call):
    wire.says(FORECAST.as_dict())
    assert await call("link_forecast", "a") == FORECAST
    wire.says({"forecasts": [{"forecast": FORECAST.as_dict()}, {"error": ERROR}]})
    assert (await call("link_forecasts", ["a", "b"]))[0] == FORECAST
    assert wire.body == {"link_ids": ["a", "b"]}
    wire.says({"link_id": "a"})
    assert await call("link", "a") == {"link_id": "a"}
    assert await call("metrics") == {"link_id": "a"}
    assert await call("delete_link", "a") is None
    asked = [(one.method, one.url.path) for one in wire.asked]
    assert asked == [
        ("GET", "/v1/links/a/forecast"),
        ("POST", "/v1/links/forecasts"),
        ("GET", "/v1/links/a"),
        ("GET", "/v1/metrics"),
        ("DELETE", "/v1/links/a"),
    ]


async def test_a_name_that_is_no_path_stays_one_part_of_it(wire, call):
    wire.says(ERROR)
    await call("link", "a/b?c")
    assert wire.asked[-1].url.raw_path == b"/v1/links/a%2Fb%3Fc"


@pytest.mark.parametrize("status", [429, 503, 0])
async def test_a_call_is_made_again_where_the_service_was_away(wire, call, status):
    def answer(asked: httpx.Request) -> httpx.Response:
        if len(wire.asked) < 3 and not status:
            raise httpx.ConnectError("nobody there")
        return httpx.Response(status if len(wire.asked) < 3 else 200, json={"models": {}})

    wire.answer = answer
    assert await call("models") == {}
    assert len(wire.asked) == 3


async def test_what_is_wrong_is_not_asked_again(wire, call):
    wire.says({"error": ERROR}, 422)
    with pytest.raises(InvalidSample):
        await call("forecast", SAMPLES)
    assert len(wire.asked) == 1


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
