"""Both clients: the calls they make, and the errors they raise."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from pba.client import PBAClient, request, transfer_body
from pba.client.requests import requests_body
from pba.errors import (
    Busy,
    Conflict,
    InvalidHistory,
    InvalidSample,
    PBAError,
    StoreUnavailable,
    Unavailable,
)
from pba.forecasting.transfer import forecast_transfer
from pba.forecasting.transfer_request import TransferRequest
from pba.serving.local_service import LocalService
from pba.types import History, NetworkMetrics
from tests.client.conftest import URL, Call, StandIn

SERVICE = LocalService({}, clock=lambda: datetime(2026, 3, 1, 12, tzinfo=UTC))
SAMPLES = [NetworkMetrics(1e9, 10.0, 5.0), NetworkMetrics(1e9 + 1, 12.0, packet_loss=0.0)]
HISTORY = History.of(SAMPLES)
FORECAST = SERVICE.forecast(HISTORY)
ERROR = {"code": "invalid_sample", "message": "bad", "field": "history[0].jitter_ms"}
RECEIPT = {"accepted": 2, "duplicates": 0, "late": 0, "expired": 0, "ignored": 0, "refused": []}
LOGIN = "<html><title>Log in</title>" + "x" * 500
CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("forecast", (SAMPLES,)),
    ("forecasts", ([SAMPLES],)),
    ("observe", ("a", SAMPLES)),
    ("observe_many", ({"a": SAMPLES},)),
    ("link_forecast", ("a",)),
    ("link_forecasts", (["a"],)),
    ("transfer", (10,)),
    ("transfers", ([{"link_id": "a", "bytes": 10}],)),
    ("link", ("a",)),
    ("delete_link", ("a",)),
    ("models", ()),
    ("metrics", ()),
    ("flags", ()),
    ("set_flags", ({}, 1, "anna")),
    ("rollout", ()),
]


async def test_a_forecast_reads_back_as_the_service_sent_it(service: StandIn, call: Call):
    service.respond(json=FORECAST.as_dict())
    assert await call("forecast", SAMPLES, link_id="a:b", mode="internet") == FORECAST
    assert (service.newest.method, str(service.newest.url)) == ("POST", f"{URL}/v1/forecast")
    assert service.body == request(SAMPLES, link_id="a:b", mode="internet")


async def test_many_forecasts_keep_their_order_and_their_errors(service: StandIn, call: Call):
    service.respond(json={"forecasts": [{"forecast": FORECAST.as_dict()}, {"error": ERROR}]})
    first, second = await call("forecasts", [SAMPLES, HISTORY])
    assert first == FORECAST
    assert isinstance(second, InvalidSample)
    assert second.body() == ERROR
    assert service.newest.url.path == "/v1/forecasts"
    assert service.body == requests_body([SAMPLES, HISTORY])


async def test_samples_are_sent_as_documented(service: StandIn, call: Call):
    service.respond(json=RECEIPT)
    assert await call("observe", "fra1:ams2", SAMPLES) == RECEIPT
    assert service.newest.url.path == "/v1/links/fra1:ams2/samples"
    assert service.body == {"samples": request(SAMPLES)["history"]}
    service.respond(json={"links": {"a": RECEIPT}})
    assert await call("observe_many", {"a": SAMPLES}) == {"a": RECEIPT}
    rows = request(SAMPLES)["history"]
    assert service.body == {"samples": [{"link_id": "a"} | row for row in rows]}


async def test_a_receipt_carries_the_forecast_if_it_is_requested(service: StandIn, call: Call):
    receipt = RECEIPT | {"forecast": FORECAST.as_dict()}
    service.respond(json=receipt)
    assert await call("observe", "a", SAMPLES, forecast=True) == RECEIPT | {"forecast": FORECAST}
    assert str(service.newest.url) == f"{URL}/v1/links/a/samples?forecast=true"
    await call("observe", "a", SAMPLES, forecast=True, allocation=True, as_of_newest=True)
    assert service.newest.url.query == b"forecast=true&allocation=true&as_of=newest"
    service.respond(json={"links": {"a": receipt, "b": RECEIPT | {"error": ERROR}}})
    receipts = await call("observe_many", {"a": SAMPLES, "b": SAMPLES}, forecast=True)
    assert str(service.newest.url) == f"{URL}/v1/samples?forecast=true"
    assert receipts["a"]["forecast"] == FORECAST
    assert isinstance(receipts["b"]["error"], InvalidSample)


async def test_while_the_store_is_away_the_error_carries_the_forecasts(
    service: StandIn, call: Call
):
    items = {"a": {"forecast": FORECAST.as_dict()}, "b": {"error": ERROR}}
    away = {"code": "store_unavailable", "message": "the store is away"}
    service.respond(503, json={"error": away, "forecasts": items})
    with pytest.raises(StoreUnavailable, match="the store is away") as caught:
        await call("observe", "a", SAMPLES, forecast=True)
    assert len(service.requests) == 3, "samples are sent again, to be stored"
    assert caught.value.forecasts["a"] == FORECAST
    assert isinstance(caught.value.forecasts["b"], InvalidSample)


async def test_stored_links_are_reached_by_name(service: StandIn, call: Call):
    service.respond(json=FORECAST.as_dict())
    assert await call("link_forecast", "a") == FORECAST
    service.respond(json={"forecasts": [{"forecast": FORECAST.as_dict()}, {"error": ERROR}]})
    assert (await call("link_forecasts", ["a", "b"]))[0] == FORECAST
    assert service.body == {"link_ids": ["a", "b"]}
    service.respond(json={"link_id": "a"})
    assert await call("link", "a") == {"link_id": "a"}
    assert await call("delete_link", "a") is None
    routes = [(request.method, request.url.path) for request in service.requests]
    assert routes == [
        ("GET", "/v1/links/a/forecast"),
        ("POST", "/v1/links/forecasts"),
        ("GET", "/v1/links/a"),
        ("DELETE", "/v1/links/a"),
    ]


async def test_transfers_are_sent_as_documented(service: StandIn, call: Call):
    answer = forecast_transfer(FORECAST, TransferRequest(10**9, 60.0, 2.0))
    service.respond(json=answer.as_dict())
    named = {"link_id": "a", "deadline_s": 60.0, "dirty_mbps": 2.0}
    assert await call("transfer", 10**9, **named, as_of_newest=True) == answer
    assert str(service.newest.url) == f"{URL}/v1/transfer?as_of=newest"
    assert service.body == {"bytes": 10**9} | named
    await call("transfer", 10, history=SAMPLES, mode="internet")
    assert service.body == transfer_body(10, history=SAMPLES, mode="internet")
    assert service.body["history"]["bandwidth_mbps"] == [10.0, 12.0]
    service.respond(json={"transfers": [{"transfer": answer.as_dict()}, {"error": ERROR}]})
    first, second = await call("transfers", [transfer_body(10, link_id="a"), {}])
    assert first == answer
    assert isinstance(second, InvalidSample)
    assert service.newest.url.path == "/v1/transfers"


async def test_operators_calls_send_and_return_documents(service: StandIn, call: Call):
    service.respond(json={"models": {"internet": {"version": "7"}}})
    assert await call("models") == {"internet": {"version": "7"}}
    parts = dict.fromkeys(("version", "flags", "since", "versions", "overall", "modes"), 4)
    service.respond(json=parts)
    assert await call("metrics") == await call("flags") == await call("rollout") == parts
    assert await call("set_flags", {"shadow": True}, 3, "anna") == parts
    body = {"version": 3, "on_behalf_of": "anna", "flags": {"shadow": True}}
    assert service.body == body
    await call("set_flags", {"shadow": True}, 3, "anna", "to compare")
    assert service.body == {**body, "reason": "to compare"}
    assert await call("rollout", since="2026-11-25T00:00:00Z") == parts
    assert service.newest.url.params["since"] == "2026-11-25T00:00:00Z"
    routes = [(request.method, request.url.path) for request in service.requests]
    assert routes == [
        ("GET", "/v1/models"),
        ("GET", "/v1/metrics"),
        ("GET", "/v1/flags"),
        ("GET", "/v1/rollout"),
        ("PUT", "/v1/flags"),
        ("PUT", "/v1/flags"),
        ("GET", "/v1/rollout"),
    ]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (422, "invalid_history", InvalidHistory),
        (409, "conflict", Conflict),
        (429, "busy", Busy),
        (503, "unavailable", Unavailable),
        (500, "internal", PBAError),
        (418, "from_the_future", PBAError),
    ],
)
async def test_an_error_of_the_service_is_raised_as_its_class(
    service: StandIn, call: Call, status: int, code: str, kind: type[PBAError]
):
    service.respond(status, json={"error": {"code": code, "message": "why"}})
    with pytest.raises(PBAError, match="^why$") as caught:
        await call("forecast", SAMPLES)
    assert type(caught.value) is kind


@pytest.mark.parametrize("name_and_args", CALLS, ids=lambda pair: pair[0])
async def test_a_login_page_is_an_error_that_shows_its_beginning(
    service: StandIn, call: Call, name_and_args: tuple[str, tuple[Any, ...]]
):
    name, args = name_and_args
    service.respond(200, html=LOGIN)
    with pytest.raises(Unavailable, match="http://pba:1 answered 200, .*Log in") as caught:
        await call(name, *args)
    assert LOGIN[:200] in caught.value.message
    assert LOGIN[:201] not in caught.value.message
    assert len(service.requests) == 1


FOREIGN = [
    b"",
    b"[]",
    b"null",
    b"7",
    b'"x"',
    b"{",
    b"[" * 9999,
    b'{"error": "x"}',
    b'{"detail": 1}',
]


@pytest.mark.parametrize("content", FOREIGN)
@pytest.mark.parametrize(
    "name_and_args", [pair for pair in CALLS if pair[0] != "delete_link"], ids=lambda pair: pair[0]
)
async def test_json_of_another_shape_is_an_error(
    service: StandIn, call: Call, name_and_args: tuple[str, tuple[Any, ...]], content: bytes
):
    name, args = name_and_args
    service.respond(200, content=content)
    with pytest.raises(Unavailable, match="answered 200"):
        await call(name, *args)


@pytest.mark.parametrize(
    ("status", "kind"), [(429, Busy), (502, Unavailable), (500, Unavailable), (404, Unavailable)]
)
@pytest.mark.parametrize(
    "content",
    [
        b"<html>Bad Gateway</html>",
        b"",
        b"[]",
        b"null",
        b"\xff\xfe\xfa",
        b'{"detail": "x"}',
        b'{"error": "text"}',
        b'{"error": null}',
        b'{"error": []}',
        b'{"error": {"code": "busy"}}',
        b'{"error": {"code": ["busy"], "message": "x"}}',
        b'{"error": {"code": "busy", "message": 7}}',
        b'{"error": {"code": "busy", "message": "x", "field": {}}}',
    ],
)
async def test_an_error_of_something_in_between_has_its_status(
    service: StandIn, call: Call, status: int, kind: type[PBAError], content: bytes
):
    service.respond(status, content=content)
    with pytest.raises(PBAError, match=f"answered {status}") as caught:
        await call("forecast", SAMPLES)
    assert type(caught.value) is kind


async def test_an_item_with_a_wrongly_shaped_error_is_an_error(service: StandIn, call: Call):
    service.respond(json={"forecasts": [{"error": "text"}]})
    with pytest.raises(Unavailable, match="answered 200"):
        await call("forecasts", [SAMPLES])


async def test_a_redirect_is_an_error_that_names_its_target(service: StandIn, call: Call):
    service.respond(302, headers={"Location": "https://login.example/"})
    with pytest.raises(Unavailable, match=r"answered 302 \(a redirect to https://login.example/\)"):
        await call("models")
    assert len(service.requests) == 1
    service.respond(302, headers={"Location": "https://anna:word@login.example/a?token=t-1"})
    with pytest.raises(Unavailable, match=r"redirect to https://\*\*\*@login.example/a\)"):
        await call("models")


async def test_a_body_that_cannot_be_decoded_is_an_error(service: StandIn, call: Call):
    broken = {"content-encoding": "gzip"}
    service.handler = lambda _: httpx.Response(200, headers=broken, content=b"not gzip")
    with pytest.raises(Unavailable):
        await call("models")


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.ReadError])
async def test_a_service_out_of_reach_is_unavailable(
    service: StandIn, call: Call, error: type[httpx.TransportError]
):
    service.respond_in_turn(*(error("no route") for _ in range(3)))
    with pytest.raises(Unavailable, match="http://pba:1 does not answer.*pba serve"):
        await call("models")
    assert len(service.requests) == 3


def test_a_port_that_nothing_listens_on_is_unavailable():
    client = PBAClient("http://127.0.0.1:9", timeout_s=5.0, retries=0)
    with client, pytest.raises(Unavailable, match="does not answer"):
        client.models()
