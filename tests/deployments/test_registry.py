"""Champions are changed under a running service: over HTTP, under load, on every replica."""

import asyncio
import copy
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
from tests.support.service import RunningService
from tests.support.waiting import until
from tests.toy import toy_artifact

pytestmark = [pytest.mark.ray, pytest.mark.slow]

NAME = "internet"
FOLLOW_EVERY_S = 1.0  # the default of the settings
POLL_S = 0.1
VERSIONS = ["swap-1", "swap-2", "swap-3", "swap-4"]
TELEMETRY = np.full((60, 5), np.nan)
TELEMETRY[:, 0] = 50.0
HISTORY = History(np.arange(60.0), TELEMETRY)


@pytest.fixture(scope="module")
def registry(service: RunningService) -> Registry:
    """Publish versions of which each expects more than the one before."""
    registry = Registry(f"{service.folder}/registry", lambda: 2e9)
    for number, version in enumerate(VERSIONS, 1):
        folder = toy_artifact(service.folder / version, NAME, version, 0.1 * number)
        registry.publish(str(folder), "test")
    return registry


async def post(service: RunningService, call: str, **body: Any) -> httpx.Response:
    async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
        return await client.post(f"/v1/models/{NAME}/{call}", json=body)


async def get(service: RunningService, path: str) -> Any:
    async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
        return (await client.get(path)).raise_for_status().json()


async def reports(service: RunningService, kind: str, version: str) -> Counter[str]:
    """Return how many events of ``kind`` about ``version`` each replica has recorded."""
    events = (await get(service, f"/v1/events?kind={kind}"))["events"]
    bodies = [event["body"] for event in events if event["body"]["version"] == version]
    return Counter(body["replica"] for body in bodies if "replica" in body)


FOLLOWERS = 3
"""Two replicas of the model, and the router."""


async def test_versions_are_listed_and_errors_have_their_codes(
    service: RunningService, registry: Registry
):
    listed = await get(service, f"/v1/models/{NAME}/versions")
    assert [row["version"] for row in listed["versions"]] == VERSIONS
    assert listed["champion"]["version"] == "shipped"
    for body, status, code in (
        ({"version": "swap-9"}, 404, "not_found"),
        ({"version": "swap-1", "expected": "swap-2"}, 409, "conflict"),
        ({"version": "../swap-1"}, 422, "invalid_request"),
        ({}, 422, "invalid_request"),
    ):
        response = await post(service, "promote", **body)
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert (await post(service, "rollback")).status_code == 409
    async with httpx.AsyncClient(base_url=service.url) as client:
        response = await client.post("/v1/models/hybrid/promote", json={"version": "swap-1"})
        assert response.status_code == 404
        documented = (await client.get("/openapi.json")).json()["paths"]
    assert "409" in documented["/v1/models/{mode}/promote"]["post"]["responses"]


async def test_swaps_under_load_fail_no_request_and_mix_no_versions(
    service: RunningService, registry: Registry
):
    """Routers and replicas follow; every forecast is that of the version which it names."""
    config = copy.deepcopy(service.config)
    for deployment in config["applications"][0]["deployments"]:
        if deployment["name"] == "InternetModel":
            deployment["autoscaling_config"]["min_replicas"] = 2
    await asyncio.to_thread(service.deploy, config)
    await replicas(service, "model_serving", "toy-1", 90)
    expected = forecasts_alone(service, registry)
    responses: list[httpx.Response] = []
    stop = asyncio.Event()
    async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:

        async def load(mode: str) -> None:
            body = request(HISTORY, mode=mode)
            while not stop.is_set():
                responses.append(await client.post("/v1/forecast", json=body))

        workers = [asyncio.create_task(load(mode)) for mode in (NAME, NAME, "hybrid")]
        for number, version in enumerate(VERSIONS):
            target = len(responses) + 20
            await until(lambda: len(responses) >= target)  # noqa: B023 - it returns in here
            response = await post(service, "promote", version=version, expected=number, who="test")
            assert response.status_code == 200, response.text
            await replicas(service, "model_serving", version, 5)
        stop.set()
        await asyncio.gather(*workers)
    assert {response.status_code for response in responses} == {200}
    forecasts = [response.json() for response in responses]
    versions = {forecast["model_version"].removeprefix("toy-1+") for forecast in forecasts}
    assert versions == {"toy-1", *VERSIONS}
    assert [forecast for forecast in forecasts if not is_unmixed(forecast, expected)] == []


async def replicas(service: RunningService, kind: str, version: str, limit_s: float) -> None:
    """Wait until each of them has recorded an event of ``kind`` about ``version``."""
    limit = time.monotonic() + limit_s
    while len(counts := await reports(service, kind, version)) < FOLLOWERS:
        assert time.monotonic() < limit, f"{kind} {version}: only {counts}"
        await asyncio.sleep(POLL_S)


def forecasts_alone(service: RunningService, registry: Registry) -> dict[tuple[str, str], Forecast]:
    """Return the forecast of each version by itself, by mode and by the versions named."""
    folder, forecasts = str(service.folder), {}
    datacenter, _ = artifacts.load(f"{folder}/datacenter", "datacenter")
    models = [artifacts.load(f"{folder}/{NAME}", NAME)[0]]
    models += [registry.load(NAME, version)[0] for version in VERSIONS]
    for model in models:
        local = LocalService({NetworkMode.DATACENTER: datacenter, NetworkMode.INTERNET: model})
        for mode in (NetworkMode.INTERNET, NetworkMode.HYBRID):
            forecast = local.forecast(HISTORY, mode)
            forecasts[mode, forecast.model_version] = forecast
    return forecasts


def is_unmixed(body: dict[str, Any], expected: dict[tuple[str, str], Forecast]) -> bool:
    """Whether all of a forecast is that of the versions which it names."""
    forecast = Forecast.from_dict(body)
    alone = expected[forecast.mode, forecast.model_version or ""]
    return all(
        np.allclose(
            [horizon.bandwidth_mbps, horizon.confidence, *horizon.quantiles_mbps],
            [other.bandwidth_mbps, other.confidence, *other.quantiles_mbps],
            rtol=1e-5,
        )
        for horizon, other in zip(forecast.horizons, alone.horizons, strict=True)
    )


async def test_a_tampered_champion_is_refused_everywhere_and_the_old_one_serves(
    service: RunningService, registry: Registry, monkeypatch: pytest.MonkeyPatch
):
    folder = toy_artifact(service.folder / "bad-1", NAME, "bad-1", 0.5)
    registry.publish(str(folder), "test")
    halve(Path(registry.root, NAME, "bad-1", "internet_bandwidth_predictor.onnx"))
    response = await post(service, "promote", version="bad-1", who="test")
    assert (response.status_code, response.json()["error"]["code"]) == (422, "bad_artifact")
    monkeypatch.setattr(Registry, "verify", lambda *_: None)
    number = registry.promote(NAME, "bad-1", "test").number
    await replicas(service, "model_refused", "bad-1", 10)
    serves = (await get(service, "/v1/models"))["models"][NAME]
    assert (serves["version"], serves["champion"]) == (VERSIONS[-1], number - 1)
    assert "sha256" in serves["refused"]
    limit = time.monotonic() + 2.5 * FOLLOW_EVERY_S
    while time.monotonic() < limit:  # each replica looks again, and records nothing again
        assert set((await reports(service, "model_refused", "bad-1")).values()) == {1}
        await asyncio.sleep(POLL_S)


async def test_a_rollback_is_recorded_and_the_champion_before_serves(
    service: RunningService, registry: Registry
):
    response = await post(service, "rollback", who="test", why="it is broken")
    assert (response.status_code, response.json()["version"]) == (200, VERSIONS[-1])
    assert (await post(service, "rollback", who="test")).json()["version"] == VERSIONS[-2]
    await replicas(service, "model_serving", VERSIONS[-2], 10)
    events = (await get(service, "/v1/events?kind=model_rolled_back"))["events"]
    assert [event["body"]["why"] for event in events] == ["", "it is broken"]


def halve(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
