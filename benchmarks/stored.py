"""What do stored links cost? `python -m benchmarks.stored` on SQLite and on its own PostgreSQL."""

import asyncio
import json
import time
from collections.abc import Callable
from statistics import median

import httpx
import numpy as np

from benchmarks import load, request_bodies, servers
from benchmarks.bare import MODELS
from pba.client import request
from pba.registry import artifacts
from pba.types import History, NetworkMode
from tests.support.postgres import postgresql

BATCH, LINKS, SECONDS, CONNECTIONS = 500, 1000, 6.0, 8
TURNS, ROUNDS = 200, 5
WARM_UP_S = 3.0


def lines() -> list[str]:
    """Return the results as Markdown."""
    results = {}
    with servers.service() as (url, _):
        results["SQLite"] = measure(url)
    with postgresql() as server, servers.service(server.url) as (url, _):
        results["PostgreSQL"] = measure(url)
    rows = [
        "| stored links | samples/s stored, batches of 500, 8 connections | p50 ms of a forecast: "
        "given history, stored history, difference | 1000 links in one call, forecasts/s: ONNX "
        "Runtime alone, service, ratio |",
        "| --- | --- | --- | --- |",
    ]
    return rows + [f"| {name} | {' | '.join(cells)} |" for name, cells in results.items()]


def measure(url: str) -> list[str]:
    """Return the cells of one store's row."""
    rate = asyncio.run(_storage_rate(url))
    given_ms, stored_ms = _forecast_latencies(url)
    model_rate, service_rate, ratio = _bulk_rates(url)
    return [
        f"{rate:.0f}",
        f"{given_ms:.1f}, {stored_ms:.1f}, {stored_ms - given_ms:+.1f}",
        f"{model_rate:.0f}, {service_rate:.0f}, {ratio:.2f}",
    ]


async def _storage_rate(url: str) -> float:
    """Return how many samples per second are acknowledged."""
    async with httpx.AsyncClient(
        base_url=url, timeout=30, headers=load.JSON, trust_env=False
    ) as client:
        started = time.perf_counter()

        async def report(number: int) -> int:
            accepted = 0
            while time.perf_counter() < started + SECONDS:
                first_s = 1e9 + accepted
                rows = [
                    {"timestamp": first_s + step, "bandwidth_mbps": 50.0} for step in range(BATCH)
                ]
                body = json.dumps({"samples": rows})
                response = await client.post(f"/v1/links/in{number}/samples", content=body)
                accepted += response.raise_for_status().json()["accepted"]
            return accepted

        counts = await asyncio.gather(*(report(number) for number in range(CONNECTIONS)))
        return sum(counts) / (time.perf_counter() - started)


def _forecast_latencies(url: str) -> tuple[float, float]:
    """Return the median ms of forecasts from a given and from a stored history, alternating."""
    (history,) = request_bodies.histories(NetworkMode.INTERNET, 1)
    body = json.dumps(request(history)).encode()
    with httpx.Client(base_url=url, timeout=30, headers=load.JSON, trust_env=False) as client:
        _report(client, {"one": history})
        calls: dict[str, Callable[[], httpx.Response]] = {
            "given": lambda: client.post("/v1/forecast", content=body),
            "stored": lambda: client.get("/v1/links/one/forecast"),
        }
        latencies_ms: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(TURNS):
            for name, call in calls.items():
                started = time.perf_counter()
                call().raise_for_status()
                latencies_ms[name].append((time.perf_counter() - started) * 1000)
    return median(latencies_ms["given"]), median(latencies_ms["stored"])


def _bulk_rates(url: str) -> tuple[float, float, float]:
    """Return forecasts per second of the model alone and of the service, and the median ratio."""
    mode = NetworkMode.INTERNET
    histories = request_bodies.histories(mode, LINKS)
    model, _ = artifacts.load(str(MODELS / mode), mode)
    windows = np.stack([history.telemetry for history in histories])
    link_ids = [f"l{number}" for number in range(LINKS)]
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        for start in range(0, LINKS, 100):
            chunk = slice(start, start + 100)
            _report(client, dict(zip(link_ids[chunk], histories[chunk], strict=True)))
    body = json.dumps({"link_ids": link_ids}).encode()
    load.run(url, "/v1/links/forecasts", body, 1, WARM_UP_S)
    model_rates, service_rates = [], []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        model.predict(windows)
        model_rates.append(LINKS / (time.perf_counter() - started))
        result = load.run(url, "/v1/links/forecasts", body, 1, 0.1)
        service_rates.append(LINKS / (result.percentile(50) / 1000))
    ratios = [service / model for service, model in zip(service_rates, model_rates, strict=True)]
    return median(model_rates), median(service_rates), median(ratios)


def _report(client: httpx.Client, histories: dict[str, History]) -> None:
    rows = [
        {"link_id": link_id} | row
        for link_id, history in histories.items()
        for row in request(history)["history"]
    ]
    client.post("/v1/samples", json={"samples": rows}).raise_for_status()


if __name__ == "__main__":
    print(*lines(), sep="\n")
