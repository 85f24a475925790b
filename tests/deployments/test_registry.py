"""Champions changed under a running service: over HTTP, under load, on every replica."""

import asyncio
import copy
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from pba.client import request
from pba.registry import Registry, artifacts
from pba.serving.local_service import LocalService
from pba.types import Forecast, History, NetworkMode
from tests.deployments.conftest import RunningService
from tests.toy import toy_artifact

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(240)]

NAME = "internet"
VERSIONS = ["swap-1", "swap-2", "swap-3", "swap-4"]
TELEMETRY = np.full((60, 5), np.nan)
TELEMETRY[:, 0] = 50.0
HISTORY = History(np.arange(60.0), TELEMETRY)


@pytest.fixture(scope="module")
def registry(service: RunningService) -> Registry:
    """Publish versions of which each expects more than the one before."""
    opened = Registry(f"{service.folder}/registry", lambda: 2e9)
    for number, version in enumerate(VERSIONS, 1):
        folder = toy_artifact(service.folder / version, NAME, version, 0.1 * number)
        opened.publish(str(folder), "test")
    return opened


async def post(service: RunningService, call: str, **body: Any) -> httpx.Response:
    async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
        return await client.post(f"/v1/models/{NAME}/{call}", json=body)


async def get(service: RunningService, path: str) -> Any:
    async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
        return (await client.get(path)).raise_for_status().json()


async def told(service: RunningService, kind: str, version: str) -> Counter[str]:
    """Return how often each replica has told of ``kind`` and ``version``."""
    events = (await get(service, f"/v1/events?kind={kind}"))["events"]
    bodies = [event["body"] for event in events if event["body"]["version"] == version]
    return Counter(body["replica"] for body in bodies if "replica" in body)


async def test_versions_are_listed_and_errors_have_their_codes(
    service: RunningService, registry: Registry
):
    told = await get(service, f"/v1/models/{NAME}/versions")
    assert [one["version"] for one in told["versions"]] == VERSIONS
    assert told["champion"]["version"] == "shipped"
    for body, status, code in (
        ({"version": "swap-9"}, 404, "not_found"),
        ({"version": "swap-1", "expected": "swap-2"}, 409, "conflict"),
        ({"version": "../swap-1"}, 422, "invalid_request"),
        ({}, 422, "invalid_request"),
    ):
        answer = await post(service, "promote", **body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert (await post(service, "rollback")).status_code == 409
    async with httpx.AsyncClient(base_url=service.url) as client:
        answer = await client.post("/v1/models/hybrid/promote", json={"version": "swap-1"})
        assert answer.status_code == 404
        documented = (await client.get("/openapi.json")).json()["paths"]
    assert "409" in documented["/v1/models/{mode}/promote"]["post"]["responses"]


async def test_swaps_under_load_fail_no_request_and_mix_no_versions(
    service: RunningService, registry: Registry
):
    """Two replicas follow; every answer is the one of the version that it names."""
    config = copy.deepcopy(service.config)
    for deployment in config["applications"][0]["deployments"]:
        if deployment["name"] == "InternetModel":
            deployment["autoscaling_config"]["min_replicas"] = 2
    await asyncio.to_thread(service.deploy, config)
    await replicas(service, "model_serving", "toy-1", 90)
    expected = alone(service, registry)
    answers: list[httpx.Response] = []
    stop = asyncio.Event()
    async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:

        async def load(mode: str) -> None:
            content = json.dumps(request(HISTORY, mode=mode)).encode()
            while not stop.is_set():
                answers.append(await client.post("/v1/forecast", content=content))
                await asyncio.sleep(0.05)

        workers = [asyncio.create_task(load(mode)) for mode in (NAME, NAME, "hybrid")]
        for number, version in enumerate(VERSIONS):
            await asyncio.sleep(0.5)
            answer = await post(service, "promote", version=version, expected=number, who="test")
            assert answer.status_code == 200, answer.text
            await replicas(service, "model_serving", version, 5)
        stop.set()
        await asyncio.gather(*workers)
    assert {answer.status_code for answer in answers} == {200}
    made = [answer.json() for answer in answers]
    assert {one["model_version"].removeprefix("toy-1+") for one in made} == {"toy-1", *VERSIONS}
    assert [one for one in made if not right(one, expected)] == []


async def replicas(service: RunningService, kind: str, version: str, limit_s: float) -> None:
    """Wait until both replicas have told of ``kind`` and ``version``."""
    limit = time.monotonic() + limit_s
    while len(found := await told(service, kind, version)) < 2:
        assert time.monotonic() < limit, f"{kind} {version}: only {found}"
        await asyncio.sleep(0.1)


def alone(service: RunningService, registry: Registry) -> dict[tuple[str, str], Forecast]:
    """Return what each version says by itself, by mode and by the versions named."""
    folder, found = str(service.folder), {}
    datacenter, _ = artifacts.load(f"{folder}/datacenter", "datacenter")
    models = [artifacts.load(f"{folder}/{NAME}", NAME)[0]]
    models += [registry.load(NAME, version)[0] for version in VERSIONS]
    for model in models:
        local = LocalService({NetworkMode.DATACENTER: datacenter, NetworkMode.INTERNET: model})
        for mode in (NetworkMode.INTERNET, NetworkMode.HYBRID):
            made = local.forecast(HISTORY, mode)
            found[mode, made.model_version] = made
    return found


def right(answer: dict[str, Any], expected: dict[tuple[str, str], Forecast]) -> bool:
    """Tell whether all of a forecast is what the versions that it names say by themselves."""
    told = Forecast.from_dict(answer)
    wanted = expected[told.mode, told.model_version or ""]
    pairs = zip(told.horizons, wanted.horizons, strict=True)
    return all(
        np.allclose(
            [one.bandwidth_mbps, one.confidence, *one.quantiles_mbps],
            [other.bandwidth_mbps, other.confidence, *other.quantiles_mbps],
            rtol=1e-5,
        )
        for one, other in pairs
    )


async def test_a_tampered_champion_is_refused_everywhere_and_the_old_one_serves(
    service: RunningService, registry: Registry, monkeypatch: pytest.MonkeyPatch
):
    folder = toy_artifact(service.folder / "bad-1", NAME, "bad-1", 0.5)
    registry.publish(str(folder), "test")
    halve(Path(registry.root, NAME, "bad-1", "internet_bandwidth_predictor.onnx"))
    answer = await post(service, "promote", version="bad-1", who="test")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_artifact")
    monkeypatch.setattr(Registry, "verify", lambda *_: None)
    number = registry.promote(NAME, "bad-1", "test").number
    await replicas(service, "model_refused", "bad-1", 10)
    serves = (await get(service, "/v1/models"))["models"][NAME]
    assert (serves["version"], serves["champion"]) == (VERSIONS[-1], number - 1)
    assert "sha256" in serves["refused"]
    await asyncio.sleep(2.5)  # longer than two looks
    assert set((await told(service, "model_refused", "bad-1")).values()) == {1}


async def test_a_rollback_is_told_and_serves_the_champion_before(
    service: RunningService, registry: Registry
):
    answer = await post(service, "rollback", who="test", why="it is broken")
    assert (answer.status_code, answer.json()["version"]) == (200, VERSIONS[-1])
    assert (await post(service, "rollback", who="test")).json()["version"] == VERSIONS[-2]
    await replicas(service, "model_serving", VERSIONS[-2], 10)
    events = (await get(service, "/v1/events?kind=model_rolled_back"))["events"]
    assert [event["body"]["why"] for event in events] == ["", "it is broken"]


def halve(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
