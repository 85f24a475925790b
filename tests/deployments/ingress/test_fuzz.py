"""Requests of every kind get an answer that is described, and never an error of the service.

`make fuzz` sends 100 000 without keys and as many with, and has schemathesis try for longer.
``PBA_FUZZ_SEED`` chooses others.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from deployments.ingress.inference_errors import is_inference
from pba.client import request
from tests.deployments.ingress.described import ROUTES
from tests.support import http_requests
from tests.support.fuzzing import (
    REQUESTS,
    SEED,
    Bounds,
    assert_short_echo,
    bounds as bounds,  # a fixture
    count_of,
    messages_in,
    random_of,
    request_texts,
)
from tests.support.histories import INTERNET
from tests.support.http_server import http_server
from tests.support.in_process import InProcess, open_in_process
from tests.support.keys import key_headers

SAMPLES = request(INTERNET)["history"]
STATED = ("store_unavailable", "registry_unavailable", "unavailable", "keys_unavailable")
"""The codes of errors with status 503."""


@dataclass
class Fuzzed:
    """A service, and the headers of which each request has some."""

    service: InProcess
    keys: list[dict[str, str]]


@pytest.fixture(params=["open", "with keys"])
async def fuzzed(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Fuzzed]:
    async with open_in_process(tmp_path, max_body_mb=0.1, stream_s=0.01) as opened:
        await opened.client.post("/v1/links/a/samples", json={"samples": SAMPLES})
        keys = [{}] if request.param == "open" else key_headers(opened.services)
        await opened.services.callers.refresh()
        yield Fuzzed(opened, keys)


async def test_any_request_gets_a_described_answer(fuzzed: Fuzzed, bounds: Bounds):
    count = count_of(100, len(ROUTES))
    randoms = {route: random_of(" ".join(route)) for route in ROUTES}
    for _ in range(count):
        for route, random in randoms.items():
            await send_any(fuzzed, *route, random)
            bounds.count()
        await asyncio.sleep(0)


async def send_any(fuzzed: Fuzzed, method: str, path: str, random: Random) -> None:
    """Send a random request, and check that its answer is one of the route, or of no route."""
    url = http_requests.path(random, path) + http_requests.query(random)
    content = http_requests.body(random) if method in ("POST", "PUT") else None
    headers = http_requests.headers(random) | random.choice(fuzzed.keys)
    sent_headers = {name: value.encode("latin-1") for name, value in headers.items()}
    response = await fuzzed.service.client.request(
        method, url, content=content, headers=sent_headers
    )
    shown = (method, url, content, headers, response.status_code, response.text[:4000])
    described: Any = ROUTES[method, path].responses
    elsewhere = (404, 405, 422) if "{" in path else ()
    assert response.status_code in (200, *described, *elsewhere), shown
    if response.status_code != 200:
        assert_error(response, is_inference(path), shown)
    if response.headers["content-type"].startswith("application/json"):
        sent = request_texts(url, content, headers)
        for message in messages_in(response.json()):
            assert_short_echo(message, *sent)


def assert_error(response: httpx.Response, as_text: bool, shown: Any) -> None:
    """Check an error's form, and that none but those that are stated is the service's own."""
    assert len(response.content) < 2000, shown
    assert response.status_code in (503, *range(400, 500)), shown
    error = response.json()["error"]
    if as_text:
        assert isinstance(error, str), shown
        return
    assert error.keys() >= {"code", "message"}, shown
    if response.status_code == 503:
        assert error["code"] in STATED, shown


def test_an_answer_that_repeats_too_much_is_noticed():
    long = "".join(map(chr, range(33, 137)))
    assert_short_echo(f"name is {long[:100]!r}; it is short.", f"{{{long}}}")
    for start in range(0, 120, 7):
        with pytest.raises(AssertionError):
            assert_short_echo("y" * start + long + "!" + "y" * 60, f"x{long}!x".encode())


@pytest.mark.slow
def test_schemathesis_shows_no_answer_that_is_not_described(tmp_path: Path):
    """All its checks; schemathesis.toml says what the description cannot say."""
    examples = REQUESTS // 100 or 12
    options = ["--max-examples", str(examples), "--continue-on-failure", "--no-color"]
    options += ["--seed", str(SEED)]
    config = str(Path(__file__).with_name("schemathesis.toml"))
    with http_server(tmp_path, stream_s=0.01) as url:
        run = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "--config-file", config, "run"]
            + [f"{url}/openapi.json", *options],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr[-5_000:]
    assert "40 selected / 40 total" in run.stdout
