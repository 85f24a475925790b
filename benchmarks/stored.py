"""What do links cost that the service remembers? On SQLite and on a PostgreSQL of its own."""

import asyncio
import json
import time
from collections.abc import Callable
from statistics import median

import httpx
import numpy as np

from benchmarks import bodies, load, servers
from benchmarks.bare import MODELS
from pba.client import request
from pba.registry import artifacts
from pba.types import History, NetworkMode
from tests.support.postgres import postgresql

BATCH, LINKS, SECONDS, CONNECTIONS = 500, 1000, 6.0, 8
TURNS, ROUNDS = 200, 5


def lines() -> list[str]:
    """Return the results as Markdown."""
    found = {}
    with servers.service(False) as (url, _):
        found["SQLite"] = measure(url)
    with postgresql() as server, servers.service(False, server.url) as (url, _):
        found["PostgreSQL"] = measure(url)
    rows = [
        "| links that are remembered | samples/s stored, batches of 500, 8 connections | p50 ms of "
        "a forecast: given, stored, stored less given | 1000 links in one call, forecasts/s: ONNX "
        "Runtime alone, service, ratio |",
        "| --- | --- | --- | --- |",
    ]
    return rows + [f"| {name} | {' | '.join(cells)} |" for name, cells in found.items()]


def measure(url: str) -> list[str]:
    rate = asyncio.run(_ingested(url))
    given, stored = _turns(url)
    alone, served, ratio = _many(url)
    return [
        f"{rate:.0f}",
        f"{given:.1f}, {stored:.1f}, {stored - given:+.1f}",
        f"{alone:.0f}, {served:.0f}, {ratio:.2f}",
    ]


async def _ingested(url: str) -> float:
    """Return samples a second that are acknowledged."""
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
        began = time.perf_counter()

        async def report(number: int) -> int:
            accepted = 0
            while time.perf_counter() < began + SECONDS:
                at = 1e9 + accepted
                rows = [{"timestamp": at + step, "bandwidth_mbps": 50.0} for step in range(BATCH)]
                body = json.dumps({"samples": rows})
                answer = await client.post(f"/v1/links/in{number}/samples", content=body)
                accepted += answer.raise_for_status().json()["accepted"]
            return accepted

        counts = await asyncio.gather(*(report(number) for number in range(CONNECTIONS)))
        return sum(counts) / (time.perf_counter() - began)


def _turns(url: str) -> tuple[float, float]:
    """Return the median ms of a forecast from a given and from a stored history, in turns."""
    (history,) = bodies.histories(NetworkMode.INTERNET, 1)
    body = json.dumps(request(history)).encode()
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        _report(client, {"one": history})
        ways: dict[str, Callable[[], httpx.Response]] = {
            "given": lambda: client.post("/v1/forecast", content=body),
            "stored": lambda: client.get("/v1/links/one/forecast"),
        }
        took: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(TURNS):
            for name, ask in ways.items():
                started = time.perf_counter()
                ask().raise_for_status()
                took[name].append((time.perf_counter() - started) * 1000)
    return median(took["given"]), median(took["stored"])


def _many(url: str) -> tuple[float, float, float]:
    """Return forecasts a second of the model alone and of the service, and the median ratio."""
    mode = NetworkMode.INTERNET
    histories = bodies.histories(mode, LINKS)
    model, _ = artifacts.load(str(MODELS / mode), mode)
    windows = np.stack([history.telemetry for history in histories])
    names = [f"l{number}" for number in range(LINKS)]
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        for start in range(0, LINKS, 100):
            part = slice(start, start + 100)
            _report(client, dict(zip(names[part], histories[part], strict=True)))
    body = json.dumps({"link_ids": names}).encode()
    load.run(url, "/v1/links/forecasts", body, 1, 3.0)  # warm
    alone, served = [], []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        model.predict(windows)
        alone.append(LINKS / (time.perf_counter() - started))
        ran = load.run(url, "/v1/links/forecasts", body, 1, 0.1)
        served.append(LINKS / (ran.percentile(50) / 1000))
    ratios = [one / other for one, other in zip(served, alone, strict=True)]
    return median(alone), median(served), median(ratios)


def _report(client: httpx.Client, histories: dict[str, History]) -> None:
    rows = [
        {"link_id": name} | row
        for name, history in histories.items()
        for row in request(history)["history"]
    ]
    client.post("/v1/samples", json={"samples": rows}).raise_for_status()


if __name__ == "__main__":
    print(*lines(), sep="\n")
