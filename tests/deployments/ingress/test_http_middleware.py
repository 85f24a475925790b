"""What HTTP asks of every path: methods, prefixes of proxies, pages, and the names in paths."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.ingress.inference_errors import is_inference
from pba.client import request
from tests.deployments.ingress.described import ROUTES, is_stream
from tests.support.histories import INTERNET
from tests.support.in_process import InProcess, open_in_process

SAMPLES = request(INTERNET)["history"]
PATHS = sorted({path for _, path in ROUTES})
NAMES = [
    "Gi1/0/24",
    "GigabitEthernet0/0/1",
    "ge-0/0/0.100",
    "Te1/1 (uplink)",
    "fe80::1%eth0>2001:db8::5",
    "[2001:db8::1]:5201",
    "10.0.0.0/24>10.0.1.0/24",
    "Büro→RZ",
    "rack 7",
    "sw1.core#12",
    ".",
    "..",
    "\0",
    "a" * 201,
    "/samples",
    "a/forecast",
    "a\\b",
]
CALLS: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("GET", "/forecast", None),
    ("GET", "/forecast?allocation=true", None),
    ("GET", "/history", None),
    ("DELETE", "", None),
    ("POST", "/samples", {"samples": SAMPLES}),
]


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[InProcess]:
    async with open_in_process(tmp_path) as opened:
        yield opened


def filled(path: str) -> str:
    return path.format(link_id="a", mode="internet", version="toy-1")


async def test_head_is_answered_like_get_without_the_body(service: InProcess):
    await service.client.post("/v1/links/a/samples", json={"samples": SAMPLES})
    routes = [key for key, route in ROUTES.items() if not is_stream(route)]
    for method, path in [*routes, ("GET", "/docs"), ("GET", "/openapi.json")]:
        if method == "GET":
            query = {"bytes": 1} if path.endswith("/transfer") else None
            expected = await service.client.get(filled(path), params=query)
            response = await service.client.head(filled(path), params=query)
            assert response.status_code == expected.status_code == 200, path
            assert response.content == b""
            assert response.headers["content-type"] == expected.headers["content-type"]
            assert int(response.headers["content-length"]) > 0
    assert (await service.client.head("/none")).status_code == 404
    assert (await service.client.head("/v1/forecast")).status_code == 405


async def test_head_of_a_stream_ends_at_once(service: InProcess):
    await service.client.post("/v1/links/a/samples", json={"samples": SAMPLES})
    for (_, path), route in ROUTES.items():
        if is_stream(route):
            async with asyncio.timeout(60):  # a stream lasts for minutes
                response = await service.client.head(filled(path))
            assert (response.status_code, response.content) == (200, b"")
            assert response.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("path", [*PATHS, "/docs"])
async def test_the_methods_of_a_path_are_listed(service: InProcess, path: str):
    matching = (key for key, route in ROUTES.items() if route.path_regex.match(filled(path)))
    methods = {method for method, _ in matching} or {"GET"}
    methods |= {"OPTIONS", *(["HEAD"] if "GET" in methods else [])}
    response = await service.client.options(filled(path))
    assert (response.status_code, response.content) == (204, b"")
    assert set(response.headers["allow"].split(", ")) == methods
    for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "TRACE", "MADE-UP"} - methods:
        response = await service.client.request(method, filled(path))
        error = response.json()["error"]
        assert response.status_code == 405
        if is_inference(path):
            assert error.startswith("the method is")
        else:
            assert error["code"] == "method_not_allowed"
        assert set(response.headers["allow"].split(", ")) == methods


async def test_a_path_that_does_not_exist_has_no_methods(service: InProcess):
    for method in ("OPTIONS", "GET", "POST"):
        response = await service.client.request(method, "/v1/nothing")
        assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")
        assert "allow" not in response.headers


async def test_a_slash_too_many_gets_404_instead_of_a_redirect(service: InProcess):
    for path in ("/v1/links/", "/v1/links//forecast", "/v1/forecast/"):
        assert (await service.client.get(path)).status_code == 404


async def test_the_root_leads_to_pages_that_exist(service: InProcess):
    index = (await service.client.get("/")).json()
    assert (index["service"], index["version"]) == ("PBA", "3")
    for name in ("docs", "openapi", "ready"):
        assert (await service.client.get(index[name])).status_code == 200


async def test_the_documentation_page_needs_nothing_from_elsewhere(service: InProcess):
    page = (await service.client.get("/docs")).text
    assert "https://" not in page
    assert "http://" not in page
    addresses = re.findall(r"""(?:href|src|url)[=:]\s*["']([^"']+)""", page)
    assert len(addresses) == 4, page
    for address in addresses:
        assert (await service.client.get(address)).status_code == 200, address


@pytest.mark.parametrize("prefix", ["/pba", "/net/pba.v3", "/pba/", "/v1", "/docs"])
async def test_behind_a_proxy_that_removes_a_prefix_pages_link_to_themselves(
    service: InProcess, prefix: str
):
    """The proxy removes the prefix from what the page links to."""
    headers = {"X-Forwarded-Prefix": prefix}
    below = prefix.rstrip("/")
    index = (await service.client.get("/", headers=headers)).json()
    assert index["docs"] == f"{below}/docs"
    page = (await service.client.get("/docs", headers=headers)).text
    addresses = re.findall(r"""(?:href|src|url)[=:]\s*["']([^"']+)""", page)
    for address in addresses:
        assert address.startswith(f"{below}/")
        path = address.removeprefix(below)
        assert (await service.client.get(path, headers=headers)).status_code == 200
    document = (await service.client.get("/openapi.json", headers=headers)).json()
    assert document["servers"] == [{"url": below}]
    assert "servers" not in (await service.client.get("/openapi.json")).json()
    response = await service.client.post("/v1/forecast", json={}, headers=headers)
    assert response.json()["error"]["field"] == "history"


@pytest.mark.parametrize(
    "prefix", ["", "/", "pba", "//evil.example", "/a'b", "/<script>", "/a b", "/a/../b?c", "/ä"]
)
async def test_a_prefix_that_is_no_path_changes_nothing(service: InProcess, prefix: str):
    headers = {"X-Forwarded-Prefix": prefix.encode()}
    plain = await service.client.get("/docs")
    assert (await service.client.get("/docs", headers=headers)).text == plain.text


async def test_below_the_root_path_of_serve_all_calls_are_the_same(service: InProcess):
    """Serve's server puts `http_options.root_path` before the path."""
    transport = service.client._transport
    assert isinstance(transport, httpx.ASGITransport)
    below = httpx.ASGITransport(transport.app, root_path="/pba")
    async with httpx.AsyncClient(transport=below, base_url="http://test") as client:
        assert (await client.get("/pba/")).json()["docs"] == "/pba/docs"
        assert "/pba/openapi.json" in (await client.get("/pba/docs")).text
        response = await client.post("/pba/v1/forecast", json={"history": SAMPLES})
        assert response.status_code == 200
        headers = {"X-Forwarded-Prefix": "/net"}
        assert (await client.get("/pba/", headers=headers)).json()["docs"] == "/net/pba/docs"


@pytest.mark.parametrize("name", NAMES)
async def test_a_name_that_no_link_has_is_refused_in_every_path(service: InProcess, name: str):
    escaped = "".join(f"%{byte:02X}" for byte in name.encode())
    for method, suffix, body in CALLS:
        path = f"/v1/links/{escaped}{suffix}"
        response = await service.client.request(method, path, json=body)
        assert response.status_code == 422, (method, path, response.text)
        error = response.json()["error"]
        assert (error["code"], error["field"]) == ("invalid_input", "link_id")
        assert "Replace" in error["message"]
        assert len(error["message"]) < 500


@pytest.mark.parametrize("name", NAMES)
async def test_a_name_that_no_link_has_is_refused_in_bodies_and_queries(
    service: InProcess, name: str
):
    body = {"link_ids": ["a", name]}
    response = await service.client.post("/v1/links/forecasts", json=body)
    items = response.json()["forecasts"]
    assert [item["error"]["code"] for item in items] == ["not_found", "invalid_input"]
    row = SAMPLES[0] | {"link_id": name}
    response = await service.client.post("/v1/samples", json={"samples": [row]})
    assert [item["error"]["field"] for item in response.json()["refused"]] == ["samples[0].link_id"]
    response = await service.client.post("/v1/forecast", json={"history": SAMPLES, "link_id": name})
    assert response.status_code == 422
    response = await service.client.get("/v1/events", params={"link_id": name})
    assert response.status_code == 422


async def test_an_escaped_slash_is_refused_in_the_names_of_models_too(service: InProcess):
    response = await service.client.get("/v1/models/a%2fb/versions")
    assert response.status_code == 422
    assert "%2f" in response.json()["error"]["message"]
