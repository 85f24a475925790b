"""Attacks by what a request holds: foreign headers, lines of the log, paths of other files.

Those by who sends it are in test_access_control, those of other sites' pages in test_request_guard,
bodies that take time or memory in test_hostile_bodies and test_request_body (zip bombs).
"""

import gzip
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest

from pba.client import request
from tests.support.fuzzing import assert_short_echo
from tests.support.histories import INTERNET
from tests.support.in_process import InProcess, open_in_process

SAMPLES = request(INTERNET)["history"]
INJECTED = "a\r\nX-Injected: 1\r\n\r\n<script>\x1b[31m\u202e"
LONG = "k" * 5000


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[InProcess]:
    async with open_in_process(tmp_path) as opened:
        await opened.client.post("/v1/links/a/samples", json={"samples": SAMPLES})
        yield opened


def calls(text: str) -> list[dict[str, Any]]:
    """Return requests with ``text`` wherever a caller can put any."""
    where: dict[str, Any] = {"method": "GET", "url": "/v1/links"}
    headers = ("X-Forwarded-For", "X-Forwarded-Prefix", "Origin", "User-Agent", "X-Request-ID")
    encoded = quote(text, safe="")
    return [
        {"method": "GET", "url": f"/v1/links/{encoded}"},
        {"method": "DELETE", "url": f"/v1/links/{encoded}"},
        {"method": "GET", "url": f"/{encoded}"},
        {"method": "GET", "url": f"/v1/models/{encoded}/versions"},
        *({**where, "params": {key: text}} for key in ("cursor", "mode", "limit", text)),
        {"method": "GET", "url": "/v1/events", "params": {"kind": text, "link_id": text}},
        {"method": "PUT", "url": "/v1/flags", "json": {"version": 0, "flags": {text: True}}},
        {"method": "PUT", "url": "/v1/flags", "json": {"version": 9, "who": text, "flags": {}}},
        {"method": "POST", "url": "/v1/models/internet/promote", "json": {"version": text}},
        {"method": "POST", "url": "/v1/models/internet/rollback", "json": {"expected": text}},
        {"method": "POST", "url": "/v1/forecast", "json": {"history": SAMPLES, "mode": text}},
        {"method": "POST", "url": "/v1/forecast", "json": {"history": SAMPLES, "link_id": text}},
        {"method": "POST", "url": "/v1/forecast", "json": {"history": [{"timestamp": text}]}},
        {"method": "POST", "url": "/v1/links/forecasts", "json": {"link_ids": [text]}},
        {"method": "POST", "url": "/v1/samples", "json": {"samples": [{text: 1}]}},
        {"method": "POST", "url": "/v1/samples", "json": {"samples": [
            {"link_id": text, "timestamp": 1.7e9, "bandwidth_mbps": 1.0}]}},
        *({**where, "headers": {key: text.encode()}} for key in headers),
    ]  # fmt: skip


TEXTS = {"lines": INJECTED, "long": LONG, "nul": "\0", "wide": "é→\U0001f600"}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_what_a_caller_writes_becomes_no_header_and_no_line_of_the_log(
    service: InProcess, text: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    for call in calls(text):
        response = await service.client.request(**call)
        assert response.status_code < 500, call
        assert "x-injected" not in response.headers, call
        for name, value in response.headers.items():
            assert "Injected" not in name + value, call
            assert len(value) < 400, call
        assert_short_echo(_messages(response.json()), text)
    for record in caplog.records:
        if not record.name.startswith(("httpx", "httpcore", "asyncio")):  # the test's own client
            line = " ".join(str(value) for value in record.__dict__.values())
            assert "\nX-Injected" not in line
            assert "k" * 101 not in line


def _messages(document: dict[str, Any]) -> str:
    items = [document, *document.get("forecasts", []), *document.get("refused", [])]
    return " ".join(str(item["error"]) for item in items if "error" in item)


PATHS = [
    "..",
    ".",
    "%2e%2e",
    "%2E%2E%2Fflags",
    "..%2f..%2fetc%2fpasswd",
    "..%5c..%5cetc",
    "a%2f..%2fb",
    "..;",
    "a%00",
    "%c0%ae%c0%ae",
    "%252e%252e%252f",
    "a/../a",
]


@pytest.mark.parametrize("name", PATHS)
async def test_no_name_of_a_link_is_a_path_to_something_else(service: InProcess, name: str):
    before = (await service.client.get("/v1/links")).json()
    for method, path in (
        ("GET", f"/v1/links/{name}"),
        ("DELETE", f"/v1/links/{name}"),
        ("GET", f"/v1/links/{name}/history"),
        ("POST", f"/v1/links/{name}/samples"),
        ("GET", f"/v1/models/{name}/versions"),
        ("POST", f"/v1/models/{name}/rollback"),
        ("GET", f"/docs/assets/{name}"),
    ):
        content = b'{"samples": []}' if path.endswith("samples") else None
        response = await send_raw(service, method, path, content)
        assert response.status_code in (404, 405, 422), (method, path, response.text)
        assert response.json()["error"].keys() >= {"code", "message"}
        assert "passwd" not in response.text or "path is" in response.text
    assert (await service.client.get("/v1/links")).json() == before


async def send_raw(
    service: InProcess, method: str, path: str, content: bytes | None
) -> httpx.Response:
    """Send a path as it is: clients remove dots."""
    app = service.client._transport.app  # type: ignore[attr-defined]

    async def with_path(scope: Any, receive: Any, send: Any) -> None:
        raw = path.encode()
        await app({**scope, "raw_path": raw, "path": unquote(path)}, receive, send)

    transport = httpx.ASGITransport(with_path, raise_app_exceptions=False)
    headers = {"Content-Type": "application/json"} if content else {}
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(method, "/x", content=content, headers=headers)


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "gzip, br", "x" * 500])
async def test_a_body_in_another_encoding_than_gzip_is_refused(service: InProcess, encoding: str):
    body = gzip.compress(b"{}")
    response = await service.client.post(
        "/v1/forecast", content=body, headers={"Content-Encoding": encoding}
    )
    error = response.json()["error"]
    assert (response.status_code, error["field"]) == (415, "Content-Encoding")
    assert len(error["message"]) < 300
