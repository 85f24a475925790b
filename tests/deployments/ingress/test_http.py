"""Errors of the HTTP application, without the routes of the service."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, Response

from deployments.ingress.http import create_app, json_response
from pba.errors import Busy, InvalidSample, StoreUnavailable, Unavailable

router = APIRouter()


@router.post("/size")
async def size() -> Response:
    return json_response({})


@router.get("/raise/{name}")
async def fail(name: str, count: int = 0) -> Response:
    raise {
        "busy": Busy("full"),
        "sample": InvalidSample("packet_loss is 1.7", "history[0].packet_loss"),
        "unavailable": Unavailable("gone"),
        "store": StoreUnavailable("late"),
        "bug": ZeroDivisionError("secret"),
    }[name]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app([router])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


async def test_an_error_has_code_message_and_field(client: httpx.AsyncClient):
    response = await client.get("/raise/sample")
    assert response.status_code == 422
    assert response.json() == {
        "error": {
            "code": "invalid_sample",
            "message": "packet_loss is 1.7",
            "field": "history[0].packet_loss",
        }
    }


@pytest.mark.parametrize(
    ("name", "status", "wait_s"),
    [("busy", 429, "1"), ("unavailable", 503, "1"), ("store", 503, "3")],
)
async def test_an_error_to_retry_says_when(
    client: httpx.AsyncClient, name: str, status: int, wait_s: str
):
    response = await client.get(f"/raise/{name}")
    assert (response.status_code, response.headers["retry-after"]) == (status, wait_s)


async def test_a_bug_is_500_in_the_same_form_without_its_text(client: httpx.AsyncClient):
    response = await client.get("/raise/bug")
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal"
    assert "secret" not in response.text


@pytest.mark.parametrize(("method", "path", "code"), [("GET", "/none", 404), ("PUT", "/size", 405)])
async def test_an_unknown_call_has_the_same_form(
    client: httpx.AsyncClient, method: str, path: str, code: int
):
    response = await client.request(method, path)
    assert response.status_code == code
    assert "/docs" in response.json()["error"]["message"]


async def test_an_invalid_parameter_is_named(client: httpx.AsyncClient):
    response = await client.get("/raise/busy", params={"count": "many"})
    assert response.status_code == 422
    assert response.json()["error"]["field"] == "count"


async def test_what_json_cannot_express_is_null():
    response = json_response({"nan": float("nan"), "infinity": float("inf"), "value": 1.5})
    assert response.body == b'{"nan":null,"infinity":null,"value":1.5}'
