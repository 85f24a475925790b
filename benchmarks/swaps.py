"""What do champion swaps cost concurrent requests? `python -m benchmarks.swaps [SWAPS]`

Versions of the shipped internet model, each with a slightly higher level than the one before, are
promoted one after another under a steady rate of forecast requests: two thirds internet and one
third hybrid. Every response is compared with the forecast of the version that it names; one that
mixes two versions would match neither. Two replicas of the internet model follow the champion.
"""

import asyncio
import json
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

from benchmarks import load, request_bodies, servers
from benchmarks.bare import MODELS
from benchmarks.scaled_model import write_scaled_model
from pba.client import request
from pba.models.onnx import OnnxForecaster
from pba.registry import Registry, artifacts
from pba.serving.local_service import LocalService
from pba.types import Forecast, History, NetworkMode

RATE, CONNECTIONS = 50.0, 16
WARM_UP_S, PHASE_S, EVERY_S = 15.0, 60.0, 3.0
INTERNET, HYBRID = NetworkMode.INTERNET, NetworkMode.HYBRID


@dataclass
class Responses:
    """The responses to one body, each with the time of its arrival."""

    mode: NetworkMode
    received: list[tuple[float, bytes]] = field(default_factory=list)

    def add(self, latency_s: float, body: bytes) -> None:
        self.received.append((time.monotonic(), body))


@dataclass(frozen=True)
class Checked:
    """One response: its arrival, its internet model (None without one), and whether it matches."""

    at_s: float
    version: str | None
    matches: bool


def main(swaps: int = 50) -> None:
    with tempfile.TemporaryDirectory(prefix="pbas", dir="/tmp") as folder:
        registry = Registry(f"{folder}/registry", lambda: 0.0)
        shipped, _ = artifacts.load(str(MODELS / INTERNET), INTERNET)
        models, versions = {shipped.version: shipped}, []
        for number in range(1, swaps + 1):
            version = f"swap-{number:02}"
            path = Path(folder, version)
            models[version] = write_scaled_model(path, version, 1 + 0.002 * number)
            registry.publish(str(path), "benchmark")
            versions.append(version)
        with servers.service(None, registry.root, {"InternetModel": 2}) as (url, _):
            asyncio.run(measure(url, versions, models))


async def measure(url: str, versions: list[str], models: dict[str, OnnxForecaster]) -> None:
    """Print what promoting ``versions`` costs; ``models`` are all that can be champion."""
    history = request_bodies.histories(INTERNET, 1)[0]
    await _phase(url, history, WARM_UP_S)
    before, _ = await _phase(url, history, PHASE_S)
    promotions = asyncio.create_task(_promote(url, versions))
    during, responses = await _phase(url, history, EVERY_S * len(versions) + 10.0)
    promoted_s = await promotions
    after, _ = await _phase(url, history, PHASE_S)
    _print_latencies({"before": before, "during": during, "after": after})
    _print_checks(promoted_s, _check(history, responses, models))


async def _phase(
    url: str, history: History, seconds: float
) -> tuple[list[load.Load], list[Responses]]:
    """Request forecasts for ``seconds``; return the measurements and the responses."""
    responses = [Responses(INTERNET), Responses(HYBRID)]
    shares = (2 / 3, 1 / 3)
    loads = await asyncio.gather(
        *(
            load.send(
                url,
                "/v1/forecast",
                json.dumps(request(history, mode=part.mode)).encode(),
                round(CONNECTIONS * share),
                seconds,
                RATE * share,
                part.add,
            )
            for part, share in zip(responses, shares, strict=True)
        )
    )
    return loads, responses


async def _promote(url: str, versions: list[str]) -> dict[str, float]:
    """Promote ``versions`` one after another; return the time of each response, by version."""
    promoted_s = {}
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        await asyncio.sleep(EVERY_S)
        for champion, version in enumerate(versions):
            body = {"version": version, "expected": champion, "who": "benchmark"}
            response = await client.post(f"/v1/models/{INTERNET}/promote", json=body)
            response.raise_for_status()
            promoted_s[version] = time.monotonic()
            await asyncio.sleep(EVERY_S)
    return promoted_s


def _check(
    history: History, responses: list[Responses], models: dict[str, OnnxForecaster]
) -> list[Checked]:
    """Compare every response with the forecast of the internet model that it names."""
    datacenter, _ = artifacts.load(str(MODELS / "datacenter"), "datacenter")
    expected = {}
    for version, model in models.items():
        service = LocalService({INTERNET: model, NetworkMode.DATACENTER: datacenter})
        for mode in (INTERNET, HYBRID):
            expected[version, mode] = service.forecast(history, mode)
    points = [expected[version, INTERNET].bandwidth_mbps for version in models]
    assert np.min(np.diff(sorted(points))) > 1e-4 * max(points), "versions must differ"
    checked = []
    for part in responses:
        for at_s, body in part.received:
            forecast = Forecast.from_dict(json.loads(body))
            names = (forecast.model_version or "").split("+")
            named = next((name for name in names if name in models), None)
            matches = named is None or _equal(forecast, expected[named, part.mode])
            checked.append(Checked(at_s, named, matches))
    return checked


def _equal(forecast: Forecast, other: Forecast) -> bool:
    return forecast.model_version == other.model_version and all(
        np.allclose(
            [a.bandwidth_mbps, a.confidence, *a.quantiles_mbps],
            [b.bandwidth_mbps, b.confidence, *b.quantiles_mbps],
            rtol=1e-5,
        )
        for a, b in zip(forecast.horizons, other.horizons, strict=True)
    )


def _delays(promoted_s: dict[str, float], checked: list[Checked]) -> list[float]:
    """Return the seconds from each promotion to the last response of an older version."""
    order = {version: number for number, version in enumerate(promoted_s)}
    delays_s = []
    for number, promotion_s in enumerate(promoted_s.values()):
        older = [
            response.at_s - promotion_s
            for response in checked
            if response.version is not None and order.get(response.version, -1) < number
        ]
        delays_s.append(max([*older, 0.0]))
    return delays_s


def _print_latencies(phases: dict[str, list[load.Load]]) -> None:
    print("| phase | requests | failed | p50 ms | p95 ms | p99 ms | max ms |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    p99_ms = {}
    for name, loads in phases.items():
        latency_ms = np.concatenate([part.latency_ms for part in loads])
        failed = sum(part.failed for part in loads)
        values = np.percentile(latency_ms, (50, 95, 99, 100))
        cells = " | ".join(f"{value:.1f}" for value in values)
        print(f"| {name} | {len(latency_ms)} | {failed} | {cells} |")
        p99_ms[name] = values[2]
    print(f"\np99 during swaps is {p99_ms['during'] / p99_ms['before']:.2f} times that before.\n")


def _print_checks(promoted_s: dict[str, float], checked: list[Checked]) -> None:
    mixed = sum(not response.matches for response in checked)
    heuristic = sum(response.version is None for response in checked)
    print("| swaps | responses compared | of mixed versions | without a model |")
    print("| --- | --- | --- | --- |")
    print(f"| {len(promoted_s)} | {len(checked)} | {mixed} | {heuristic} |\n")
    delays_s = _delays(promoted_s, checked)
    print("| from a promotion to the last response of an older version | s |")
    print("| --- | --- |")
    print(f"| median | {np.median(delays_s):.2f} |")
    print(f"| maximum | {max(delays_s):.2f} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
