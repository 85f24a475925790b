"""Requests of every kind get an answer that is described, and never an error of the service.

`make fuzz` sends a hundred times as many, others in every run.
"""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from pba.client import request
from tests.deployments.ingress.described import ROUTES
from tests.support import http_requests
from tests.support.histories import INTERNET
from tests.support.http_server import http_server
from tests.support.in_process import InProcess, open_in_process

TIMES = int(os.environ.get("PBA_FUZZ_TIMES", "1"))
SAMPLES = request(INTERNET)["history"]


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[InProcess]:
    async with open_in_process(tmp_path, max_body_mb=0.1) as opened:
        await opened.client.post("/v1/links/a/samples", json={"samples": SAMPLES})
        yield opened


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
@settings(
    max_examples=5 * TIMES,
    derandomize=TIMES == 1,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(random=st.randoms(use_true_random=True))
async def test_any_request_gets_a_described_answer(
    service: InProcess, route: tuple[str, str], random: Random
):
    for _ in range(20):
        await send_any(service, *route, random)


async def send_any(service: InProcess, method: str, path: str, random: Random) -> None:
    """Send a random request, and check that its answer is one of the route, or of no route."""
    url = http_requests.path(random, path) + http_requests.query(random)
    content = http_requests.body(random) if method in ("POST", "PUT") else None
    headers = http_requests.headers(random)
    response = await service.client.request(method, url, content=content, headers=headers)
    shown = (method, url, content, headers, response.status_code, response.text)
    described: Any = ROUTES[method, path].responses
    elsewhere = (404, 405, 422) if "{" in path else ()
    assert response.status_code in (200, *described, *elsewhere), shown
    assert response.status_code < 500, shown
    if response.status_code != 200:
        assert response.json()["error"].keys() >= {"code", "message"}, shown
        assert len(response.content) < 2000, shown


@pytest.mark.slow
@pytest.mark.timeout(0 if TIMES > 1 else 240)
def test_schemathesis_shows_no_answer_that_is_not_described(tmp_path: Path):
    """All its checks; schemathesis.toml says what the description cannot say."""
    options = ["--max-examples", str(12 * TIMES), "--continue-on-failure", "--no-color"]
    options += ["--seed", "1"] if TIMES == 1 else []
    config = str(Path(__file__).with_name("schemathesis.toml"))
    with http_server(tmp_path) as url:
        run = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "--config-file", config, "run"]
            + [f"{url}/openapi.json", *options],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr[-5_000:]
    assert "24 selected / 24 total" in run.stdout
