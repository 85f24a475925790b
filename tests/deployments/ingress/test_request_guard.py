"""What another site's page can have a browser send is refused: forms, text, and foreign names."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.ingress.inference_errors import is_inference
from deployments.ingress.request_guard import RequestGuard
from pba.client import request
from tests.support.histories import INTERNET
from tests.support.in_process import InProcess, open_in_process

BODY = json.dumps(request(INTERNET)).encode()
SAMPLES = json.dumps({"samples": request(INTERNET)["history"]}).encode()
ORIGIN = "https://console.example"


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[InProcess]:
    names = {"allowed_hosts": "pba.example, pba.internal", "cors_origins": f"{ORIGIN}/"}
    async with open_in_process(tmp_path, **names) as opened:
        yield opened


def from_page(service: InProcess, url: str = "http://test") -> httpx.AsyncClient:
    """Return a client without the headers of the fixture's, which calls ``url``."""
    return httpx.AsyncClient(transport=service.client._transport, base_url=url)


SIMPLE = [
    "text/plain",
    "text/plain;charset=UTF-8",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain; application/json",
    "application/json-seq",
    "application/jsonp",
    "application/json; charset=utf-16",
    "application/json; charset=latin-1",
    "application/json, text/plain",
    "",
]


@pytest.mark.parametrize("kind", SIMPLE)
async def test_a_post_that_a_form_can_send_stores_nothing(service: InProcess, kind: str):
    async with from_page(service) as client:
        for path, body in (("/v1/links/a/samples", SAMPLES), ("/v1/forecast", BODY)):
            headers = {"Content-Type": kind} if kind else {}
            response = await client.post(path, content=body, headers=headers)
            assert response.status_code == 415
            error = response.json()["error"]
            assert (error["code"], error["field"]) == ("unsupported_media_type", "Content-Type")
            assert "application/json" in error["message"]
        assert (await client.get("/v1/links/a")).status_code == 404


async def test_every_route_that_takes_a_body_looks_at_its_type(service: InProcess):
    description = (await service.client.get("/openapi.json")).json()
    bodies = [
        (method, path.format(link_id="a", mode="internet"))
        for path, methods in description["paths"].items()
        for method, call in methods.items()
        if "requestBody" in call and not is_inference(path)
    ]
    assert len(bodies) >= 8
    async with from_page(service) as client:
        for method, path in bodies:
            for content in (b"{}", chunks(b"{}")):
                response = await client.request(method, path, content=content)
                assert response.status_code == 415, path


@pytest.mark.parametrize("kind", SIMPLE)
async def test_a_model_takes_no_form_and_no_text(service: InProcess, kind: str):
    """But bodies without a type, which its clients send, and it neither stores nor changes."""
    async with from_page(service) as client:
        headers = {"Content-Type": kind} if kind else {}
        response = await client.post("/v2/models/internet/infer", content=b"{}", headers=headers)
        assert response.status_code == (415 if kind else 422)
        foreign = headers | {"Sec-Fetch-Site": "cross-site"}
        response = await client.post("/v2/models/internet/infer", content=b"{}", headers=foreign)
        assert response.status_code == 403


async def chunks(text: bytes) -> AsyncIterator[bytes]:
    """Yield ``text`` as a body of unknown length."""
    yield text


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "Application/JSON",
        "application/json;charset=utf-8",
        'application/json; charset="UTF-8"',
        "application/json ; charset=UTF8",
    ],
)
async def test_json_is_read(service: InProcess, kind: str):
    response = await service.client.post(
        "/v1/forecast", content=BODY, headers={"Content-Type": kind}
    )
    assert response.status_code == 200


async def test_without_a_body_no_type_is_needed(service: InProcess):
    async with from_page(service) as client:
        assert (await client.get("/livez")).status_code == 200
        response = await client.post("/v1/models/internet/rollback")
        assert response.status_code == 409


@pytest.mark.parametrize("path", ["/v1/links", "/livez", "/openapi.json", "/v1/forecast", "/docs"])
async def test_what_a_browser_calls_cross_site_is_refused(service: InProcess, path: str):
    method, content = ("POST", BODY) if path == "/v1/forecast" else ("GET", None)
    for origin in ({}, {"Origin": "https://evil.example"}, {"Origin": f"{ORIGIN}.evil.example"}):
        headers = {"Sec-Fetch-Site": "cross-site", **origin}
        response = await service.client.request(method, path, content=content, headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (403, "forbidden")
        assert "access-control-allow-origin" not in response.headers
    for site in ("same-origin", "same-site", "none"):
        headers = {"Sec-Fetch-Site": site}
        response = await service.client.request(method, path, content=content, headers=headers)
        assert response.status_code == 200


async def test_a_link_to_a_page_may_be_followed_but_the_page_not_framed(service: InProcess):
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    page = await service.client.get("/docs", headers=link | {"Sec-Fetch-Dest": "document"})
    assert page.status_code == 200
    framed = await service.client.get("/docs", headers=link | {"Sec-Fetch-Dest": "iframe"})
    assert framed.status_code == 403
    response = await service.client.get("/v1/links", headers=link | {"Sec-Fetch-Dest": "document"})
    assert response.status_code == 403


@pytest.fixture
def on_loopback(service: InProcess) -> Any:
    """Return a function that calls the service as if it listened on loopback."""
    app = service.client._transport.app  # type: ignore[attr-defined]

    async def call(host: str, server: str = "127.0.0.1") -> httpx.Response:
        async def listening(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "server": (server, 8000)}, receive, send)

        transport = httpx.ASGITransport(listening)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/v1/links", headers={"Host": host.encode()})

    return call


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example"),
        *("", "a b", "[::1", "127.0.0.1:8000:1", "pba.example.evil", "x@127.0.0.1", "é"),
    ],
)
async def test_a_name_that_leads_to_loopback_is_refused(on_loopback: Any, host: str):
    for server in ("127.0.0.1", "::1"):
        response = await on_loopback(host, server)
        assert (response.status_code, response.json()["error"]["code"]) == (403, "forbidden")
        assert "PBA_ALLOWED_HOSTS" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1:8000", "127.0.0.1", "localhost", "LOCALHOST:8000", "a.localhost", "[::1]:80"),
        *("[::1]", "10.0.0.5:8000", "pba.example", "PBA.example.:443", "pba.internal"),
    ],
)
async def test_loopback_addresses_and_allowed_names_are_answered(on_loopback: Any, host: str):
    assert (await on_loopback(host)).status_code == 200


async def test_other_addresses_are_called_by_any_name(on_loopback: Any):
    assert (await on_loopback("pba.svc.cluster.local", "10.1.2.3")).status_code == 200


async def test_pages_of_a_configured_origin_may_read_answers(service: InProcess):
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN}
    response = await service.client.get("/v1/links", headers=headers)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert response.headers["vary"] == "Origin"
    ask = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT"}
    response = await service.client.options("/v1/flags", headers=ask)
    assert (response.status_code, response.content) == (204, b"")
    assert "PUT" in response.headers["access-control-allow-methods"]
    ask["Origin"] = "https://evil.example"
    response = await service.client.options("/v1/flags", headers=ask)
    assert not [name for name in response.headers if name.startswith("access-control")]


async def test_pages_have_security_headers(service: InProcess):
    for path in ("/docs", "/", "/openapi.json", "/docs/nothing"):
        headers = (await service.client.get(path)).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


async def test_what_is_refused_is_repeated_in_part_and_in_one_line(on_loopback: Any):
    message = (await on_loopback("evil\tx" + "k" * 5000)).json()["error"]["message"]
    assert len(message) < 400
    assert message.isprintable()


async def test_the_guard_costs_microseconds():
    async def app(scope: Any, receive: Any, send: Any) -> None:
        pass

    guard = RequestGuard(app, (), ())
    names = ("host", "accept", "accept-encoding", "connection", "user-agent", "x-request-id")
    headers = [(name.encode(), b"127.0.0.1") for name in names]
    headers += [(b"content-type", b"application/json"), (b"content-length", b"10")]
    path = "/v1/forecast"
    scope = {"type": "http", "server": ("127.0.0.1", 1), "path": path, "headers": headers}
    costs_us = []
    for _ in range(5):
        started = time.process_time()
        for _ in range(1000):
            await guard(scope, None, None)  # type: ignore[arg-type]
        costs_us.append((time.process_time() - started) * 1000)
    assert min(costs_us) < 25
