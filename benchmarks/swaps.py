"""What do champion swaps cost those who ask meanwhile? `python -m benchmarks.swaps [SWAPS]`

Versions of the shipped internet model that each say a little more than the last are promoted one
after another, while forecasts are asked for at a steady rate, two thirds internet and one third
hybrid. Every answer is held against what the version that it names says by itself: one made of two
versions would be neither's. Two replicas of the internet model follow the champion.
"""

import asyncio
import hashlib
import json
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnx
from onnx import helper, numpy_helper

from benchmarks import bodies, load, servers
from pba.client import request
from pba.models.onnx import OnnxForecaster
from pba.registry import Registry, artifacts
from pba.serving.local_service import LocalService
from pba.types import Forecast, History, NetworkMode

PROJECT = Path(__file__).parents[1]
NAME, RATE, CONNECTIONS, EVERY_S = "internet", 50.0, 16, 3.0
INTERNET, HYBRID = NetworkMode.INTERNET, NetworkMode.HYBRID


@dataclass
class Heard:
    """The answers to one body: when each came, and what it said."""

    mode: NetworkMode
    answers: list[tuple[float, float, bytes]] = field(default_factory=list)

    def __call__(self, took_s: float, answer: bytes) -> None:
        self.answers.append((time.monotonic(), took_s, answer))


def main(swaps: int = 50) -> None:
    with tempfile.TemporaryDirectory(prefix="pbas", dir="/tmp") as folder:
        versions = [f"swap-{number:02}" for number in range(1, swaps + 1)]
        registry = Registry(f"{folder}/registry", lambda: 0.0)
        models = {v: made(Path(folder, v), v, 1 + 0.002 * n) for n, v in enumerate(versions, 1)}
        for version in versions:
            registry.publish(f"{folder}/{version}", "benchmark")
        known = {**models, **shipped()}
        with servers.service(False, None, registry.root, {"InternetModel": 2}) as (url, _):
            asyncio.run(measure(url, versions, known))


def made(folder: Path, version: str, factor: float) -> OnnxForecaster:
    """Write the shipped model, but for its version and for a level ``factor`` times as high."""
    shipped = PROJECT / "models" / NAME
    model = onnx.load(shipped / artifacts.onnx_name(NAME))
    for node in model.graph.node:
        node.output[:] = [n if n != "level_mbps" else "shipped_level" for n in node.output]
        node.input[:] = [n if n != "level_mbps" else "shipped_level" for n in node.input]
    model.graph.initializer.append(numpy_helper.from_array(np.array(factor, "f4"), "factor"))
    model.graph.node.append(helper.make_node("Mul", ["shipped_level", "factor"], ["level_mbps"]))
    told = {entry.key: entry.value for entry in model.metadata_props} | {"version": version}
    helper.set_model_props(model, told)
    content = model.SerializeToString()
    forecaster = OnnxForecaster(content)
    card = json.loads((shipped / "card.json").read_text())
    card |= {"version": version, "sha256": hashlib.sha256(content).hexdigest()}
    golden = json.loads((shipped / "golden.json").read_text())
    answers = artifacts.golden(forecaster, np.array(golden["telemetry"], dtype=float))
    folder.mkdir()
    (folder / artifacts.onnx_name(NAME)).write_bytes(content)
    (folder / "card.json").write_text(json.dumps(card))
    (folder / "golden.json").write_text(json.dumps(answers))
    return forecaster


def shipped() -> dict[str, OnnxForecaster]:
    forecaster, _ = artifacts.load(str(PROJECT / "models" / NAME), NAME)
    return {forecaster.version: forecaster}


async def measure(url: str, versions: list[str], known: dict[str, OnnxForecaster]) -> None:
    history = bodies.histories(INTERNET, 1)[0]
    await phase(url, history, 15.0)  # warm
    before, _ = await phase(url, history, 60.0)
    swapping = asyncio.create_task(promote(url, versions))
    during, heard = await phase(url, history, EVERY_S * len(versions) + 10.0)
    promoted = await swapping
    after, _ = await phase(url, history, 60.0)
    judged = judge(history, heard, known)
    print("| phase | requests | failed | p50 ms | p95 ms | p99 ms | max ms |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, loads in (("before", before), ("during", during), ("after", after)):
        took = np.concatenate([one.latency_ms for one in loads])
        cells = " | ".join(f"{np.percentile(took, share):.1f}" for share in (50, 95, 99, 100))
        print(f"| {name} | {len(took)} | {sum(one.failed for one in loads)} | {cells} |")
    p99 = [
        float(np.percentile(np.concatenate([one.latency_ms for one in loads]), 99))
        for loads in (during, before)
    ]
    lag_s = late(promoted, judged)
    print(f"\np99 during swaps is {p99[0] / p99[1]:.2f} times that before.\n")
    print("| swaps | answers held against their versions | made of two | not by a model |")
    print("| --- | --- | --- | --- |")
    mixed = sum(not one["whole"] for one in judged)
    others = sum(one["version"] is None for one in judged)
    print(f"| {len(promoted)} | {len(judged)} | {mixed} | {others} |\n")
    print("| from the promotion to the last answer of the version before | s |")
    print("| --- | --- |")
    for name, share in (("median", 50), ("worst", 100)):
        print(f"| {name} | {np.percentile(lag_s, share):.2f} |")


async def phase(url: str, history: History, seconds: float) -> tuple[list[load.Load], list[Heard]]:
    """Ask for forecasts for ``seconds``; return what it took and what was said."""
    heard = [Heard(INTERNET), Heard(HYBRID)]
    shares = (2 / 3, 1 / 3)
    loads = await asyncio.gather(
        *(
            load.send(
                url,
                "/v1/forecast",
                json.dumps(request(history, mode=one.mode)).encode(),
                round(CONNECTIONS * share),
                seconds,
                RATE * share,
                one,
            )
            for one, share in zip(heard, shares, strict=True)
        )
    )
    return loads, heard


async def promote(url: str, versions: list[str]) -> list[tuple[float, str]]:
    """Promote ``versions`` one after another; return when each promotion was answered."""
    done = []
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        await asyncio.sleep(3.0)
        for at, version in enumerate(versions):
            body = {"version": version, "expected": at, "who": "benchmark"}
            answer = await client.post(f"/v1/models/{NAME}/promote", json=body)
            answer.raise_for_status()
            done.append((time.monotonic(), version))
            await asyncio.sleep(EVERY_S)
    return done


def judge(
    history: History, heard: list[Heard], known: dict[str, OnnxForecaster]
) -> list[dict[str, Any]]:
    """Hold every answer against what the internet model that it names says by itself."""
    beside, _ = artifacts.load(str(PROJECT / "models" / "datacenter"), "datacenter")
    services = {
        version: LocalService({INTERNET: model, NetworkMode.DATACENTER: beside})
        for version, model in known.items()
    }
    said = {
        (version, mode): service.forecast(history, mode)
        for version, service in services.items()
        for mode in (INTERNET, HYBRID)
    }
    points = [said[version, INTERNET].bandwidth_mbps for version in known]
    assert np.min(np.diff(sorted(points))) > 1e-4 * max(points), "versions must differ"
    judged = []
    for one in heard:
        for at_s, _, answer in one.answers:
            told = Forecast.from_dict(json.loads(answer))
            names = (told.model_version or "").split("+")
            version = next((name for name in names if name in known), None)
            whole = version is not None and same(told, said[version, one.mode])
            judged.append({"at_s": at_s, "version": version, "whole": whole or version is None})
    return judged


def same(one: Forecast, other: Forecast) -> bool:
    return one.model_version == other.model_version and all(
        np.allclose(
            [a.bandwidth_mbps, a.confidence, *a.quantiles_mbps],
            [b.bandwidth_mbps, b.confidence, *b.quantiles_mbps],
            rtol=1e-5,
        )
        for a, b in zip(one.horizons, other.horizons, strict=True)
    )


def late(promoted: list[tuple[float, str]], judged: list[dict[str, Any]]) -> list[float]:
    """Return how long after each promotion the version before still answered, seconds."""
    order = {version: at for at, (_, version) in enumerate(promoted)}
    heard = [one for one in judged if one["version"]]
    lag_s = []
    for at, (when_s, _) in enumerate(promoted):
        olds = [one["at_s"] for one in heard if order.get(one["version"], -1) < at]
        lag_s.append(max([when - when_s for when in olds] + [0.0]))
    return lag_s


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
