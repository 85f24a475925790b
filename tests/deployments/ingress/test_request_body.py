"""Bodies as they arrive: limits, gzip and byte order marks."""

import asyncio
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

from deployments.ingress.byte_budget import ByteBudget
from deployments.ingress.http import create_app, json_response
from deployments.ingress.request_body import BodyReader
from deployments.ingress.request_flow import RequestFlows
from pba.client import request
from pba.errors import Busy
from tests.support.histories import INTERNET
from tests.support.in_process import open_in_process
from tests.support.waiting import until

GZIP = {"Content-Encoding": "gzip"}
router = APIRouter()


@router.post("/size")
async def size(request: Request) -> Response:
    return json_response({"size": len(await request.app.state.bodies.read(request))})


def open_client(bodies: BodyReader) -> httpx.AsyncClient:
    app = create_app([router])
    app.state.bodies = bodies
    transport = httpx.ASGITransport(RequestFlows(app))
    return httpx.AsyncClient(transport=transport, base_url="http://test")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(BodyReader(limit_mb=0.001, readers=10, budget_mb=1)) as opened:
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
    bodies = BodyReader(limit_mb=0.001, readers=1, budget_mb=1)
    read = await bodies.read(Request({"type": "http", "headers": headers}, receive))
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


async def slow_chunks(first: bytes, ended: asyncio.Event) -> AsyncIterator[bytes]:
    yield first
    await ended.wait()
    yield b"x"


async def test_a_body_that_stays_away_ends_with_a_timeout():
    bodies = BodyReader(limit_mb=1, readers=10, budget_mb=1, patience_s=0.05)
    async with open_client(bodies) as client:
        response = await client.post("/size", content=slow_chunks(b"x" * 49_999, asyncio.Event()))
    assert response.status_code == 408
    error = response.json()["error"]
    assert error["code"] == "timeout"
    assert "49999 bytes" in error["message"]
    assert response.headers["connection"] == "close"


async def test_a_body_that_comes_steadily_may_take_longer_than_the_patience():
    async def steady() -> AsyncIterator[bytes]:
        for _ in range(8):
            await asyncio.sleep(0.3)
            yield b"x" * 50_000

    async with open_client(BodyReader(limit_mb=1, readers=1, budget_mb=1, patience_s=2)) as client:
        response = await client.post("/size", content=steady())
    assert response.json() == {"size": 400_000}


async def test_no_more_bodies_are_read_at_a_time_than_there_are_places():
    bodies, ended = BodyReader(limit_mb=1, readers=2, budget_mb=1), asyncio.Event()
    async with open_client(bodies) as client:
        slow = [
            asyncio.create_task(client.post("/size", content=slow_chunks(b"x", ended)))
            for _ in range(2)
        ]
        await until(lambda: bodies.reading == 2)
        response = await client.post("/size", content=b"x")
        assert (response.status_code, response.headers["retry-after"]) == (429, "1")
        ended.set()
        assert [answer.json() for answer in await asyncio.gather(*slow)] == [{"size": 2}] * 2
        assert (await client.post("/size", content=b"x")).status_code == 200


@pytest.mark.parametrize("stated", [True, False], ids=["Content-Length", "chunked"])
async def test_large_bodies_share_a_budget_and_small_ones_need_none(stated: bool):
    bodies, ended = BodyReader(limit_mb=1, readers=9, budget_mb=1), asyncio.Event()
    length = {"Content-Length": "600001"} if stated else {}
    async with open_client(bodies) as client:
        slow = asyncio.create_task(
            client.post("/size", content=slow_chunks(b"x" * 600_000, ended), headers=length)
        )
        await until(lambda: bodies.taken >= 600_000)
        refused = await client.post("/size", content=slow_chunks(b"x" * 600_000, ended))
        assert (refused.status_code, refused.headers["connection"]) == (429, "close")
        assert (await client.post("/size", content=b"x" * 200_000)).json() == {"size": 200_000}
        ended.set()
        assert (await slow).json() == {"size": 600_001}
        assert bodies.taken == 0
        assert (await client.post("/size", content=b"x" * 900_000)).json() == {"size": 900_000}


async def test_what_a_compressed_body_expands_to_counts():
    bodies = BodyReader(limit_mb=10, readers=9, budget_mb=1)
    async with open_client(bodies) as client:
        content = gzip.compress(b"x" * 2_000_000, mtime=0)
        assert (await client.post("/size", content=content, headers=GZIP)).status_code == 429
        assert bodies.taken == 0


def test_a_budget_gives_what_is_left_and_takes_it_back():
    budget = ByteBudget(10)
    budget.take(10)
    with pytest.raises(Busy):
        budget.take(1)
    budget.give_back(4)
    budget.take(4)
