from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import Request, Response

from deployments.ingress import http
from pba.errors import Busy, InvalidSample, StoreUnavailable, Unavailable


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = http.api()

    @app.post("/size")
    async def size(request: Request) -> Response:
        return http.json({"size": len(await http.read_body(request, most_mb=0.001))})

    @app.get("/raise/{name}")
    async def fail(name: str, count: int = 0) -> Response:
        raise {
            "busy": Busy("full"),
            "sample": InvalidSample("packet_loss is 1.7", "history[0].packet_loss"),
            "away": Unavailable("gone"),
            "stuck": StoreUnavailable("late"),
            "bug": ZeroDivisionError("secret"),
        }[name]

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


async def test_an_error_of_ours_has_code_message_and_field(client: httpx.AsyncClient):
    answer = await client.get("/raise/sample")
    assert answer.status_code == 422
    assert answer.json() == {
        "error": {
            "code": "invalid_sample",
            "message": "packet_loss is 1.7",
            "field": "history[0].packet_loss",
        }
    }


@pytest.mark.parametrize(("name", "status"), [("busy", 429), ("away", 503), ("stuck", 503)])
async def test_who_comes_back_later_is_told_when(client: httpx.AsyncClient, name: str, status: int):
    answer = await client.get(f"/raise/{name}")
    assert (answer.status_code, answer.headers["retry-after"]) == (status, "1")


async def test_a_bug_is_500_in_the_same_shape_without_its_text(client: httpx.AsyncClient):
    answer = await client.get("/raise/bug")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal"
    assert "secret" not in answer.text


@pytest.mark.parametrize(("method", "path", "code"), [("GET", "/none", 404), ("PUT", "/size", 405)])
async def test_an_unknown_call_has_the_same_shape(
    client: httpx.AsyncClient, method: str, path: str, code: int
):
    answer = await client.request(method, path)
    assert answer.status_code == code
    assert "/docs" in answer.json()["error"]["message"]


async def test_a_wrong_parameter_is_named(client: httpx.AsyncClient):
    answer = await client.get("/raise/busy", params={"count": "many"})
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "count"


async def test_a_body_up_to_the_limit_is_read(client: httpx.AsyncClient):
    assert (await client.post("/size", content=b"x" * 1000)).json() == {"size": 1000}


async def test_a_longer_body_is_refused(client: httpx.AsyncClient):
    assert (await client.post("/size", content=b"x" * 1001)).status_code == 413


async def test_a_longer_body_of_unstated_length_is_refused_too(client: httpx.AsyncClient):
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 100

    answer = await client.post("/size", content=chunks())
    assert answer.status_code == 413
    assert "0.001 MB" in answer.json()["error"]["message"]
