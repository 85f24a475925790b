"""Bodies as they arrive: limits, gzip and byte order marks."""

import gzip
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Request, Response
from hypothesis import given, strategies as st

from deployments.ingress.http import create_app, json_response
from deployments.ingress.request_body import read_body
from pba.client import request
from tests.support.histories import INTERNET
from tests.support.in_process import open_in_process

GZIP = {"Content-Encoding": "gzip"}
router = APIRouter()


@router.post("/size")
async def size(request: Request) -> Response:
    return json_response({"size": len(await read_body(request, limit_mb=0.001))})


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app([router]))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


async def chunks(content: bytes, size: int = 100) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def test_a_body_up_to_the_limit_is_read(client: httpx.AsyncClient):
    assert (await client.post("/size", content=b"x" * 1000)).json() == {"size": 1000}


async def test_a_longer_body_is_refused(client: httpx.AsyncClient):
    assert (await client.post("/size", content=b"x" * 1001)).status_code == 413


async def test_a_longer_body_without_a_stated_length_is_refused_too(client: httpx.AsyncClient):
    response = await client.post("/size", content=chunks(b"x" * 2000))
    assert response.status_code == 413
    assert "0.001 MB" in response.json()["error"]["message"]


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
async def test_a_gzip_body_up_to_the_limit_is_read(client: httpx.AsyncClient, encoding: str):
    headers = {"Content-Encoding": encoding}
    for text in (b"", b"x" * 1000):
        response = await client.post("/size", content=gzip.compress(text, mtime=0), headers=headers)
        assert response.json() == {"size": len(text)}
        response = await client.post(
            "/size", content=chunks(gzip.compress(text, mtime=0), size=1), headers=headers
        )
        assert response.json() == {"size": len(text)}


async def test_gzip_streams_after_each_other_are_one_body(client: httpx.AsyncClient):
    content = gzip.compress(b"x" * 300, mtime=0) + gzip.compress(b"y" * 500, mtime=0)
    response = await client.post("/size", content=content, headers=GZIP)
    assert response.json() == {"size": 800}


async def test_a_gzip_body_that_expands_over_the_limit_is_refused(client: httpx.AsyncClient):
    response = await client.post("/size", content=gzip.compress(b"x" * 1001, mtime=0), headers=GZIP)
    assert response.status_code == 413


async def test_a_gzip_bomb_costs_no_more_than_the_limit(client: httpx.AsyncClient):
    bomb = gzip.compress(gzip.compress(b"\0" * 200_000_000, mtime=0), mtime=0)
    inner = gzip.decompress(bomb)
    assert len(inner) > 100_000
    response = await client.post("/size", content=chunks(inner, 100_000), headers=GZIP)
    assert response.status_code == 413
    started_s = time.process_time()
    response = await client.post("/size", content=inner[:900], headers=GZIP)
    assert response.status_code == 413
    assert time.process_time() - started_s < 0.5


@pytest.mark.parametrize(
    "content", [b"not gzip", gzip.compress(b"x" * 100, mtime=0)[:-9], b"\x1f\x8b"]
)
async def test_a_body_that_is_no_whole_gzip_is_no_json(client: httpx.AsyncClient, content: bytes):
    response = await client.post("/size", content=content, headers=GZIP)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "not_json")


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "x" * 5000])
async def test_another_encoding_is_refused_with_the_remedy(
    client: httpx.AsyncClient, encoding: str
):
    headers = {"Content-Encoding": encoding}
    response = await client.post("/size", content=b"{}", headers=headers)
    assert response.status_code == 415
    error = response.json()["error"]
    assert (error["code"], error["field"]) == ("unsupported_media_type", "Content-Encoding")
    assert "gzip" in error["message"]
    assert len(error["message"]) < 300


@given(text=st.binary(max_size=1000), size=st.integers(1, 300), level=st.integers(0, 9))
async def test_a_compressed_body_is_read_as_the_plain_one(text: bytes, size: int, level: int):
    async def receive() -> dict[str, Any]:
        rest.append(next(parts, b""))
        return {"type": "http.request", "body": rest[-1], "more_body": bool(rest[-1])}

    content = gzip.compress(text, level, mtime=0)
    parts = (content[at : at + size] for at in range(0, len(content), size))
    rest: list[bytes] = []
    headers = [(b"content-encoding", b"gzip")]
    read = await read_body(Request({"type": "http", "headers": headers}, receive), 0.001)
    assert read == text.removeprefix(b"\xef\xbb\xbf")


@pytest.mark.parametrize("encode", [lambda text: text, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["no mark", "mark"])
async def test_a_request_gets_the_same_forecast_in_every_form(
    tmp_path: Path, encode: Callable[[bytes], bytes], mark: bytes
):
    text = json.dumps(request(INTERNET)).encode()
    async with open_in_process(tmp_path) as service:
        plain = await service.client.post("/v1/forecast", content=text)
        content = encode(mark + text)
        headers = GZIP if content[:2] == b"\x1f\x8b" else {}
        response = await service.client.post("/v1/forecast", content=content, headers=headers)
    assert response.status_code == 200
    assert response.json()["horizons"] == plain.json()["horizons"]
