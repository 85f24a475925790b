"""A model is replaced under a running service by a change of its configuration."""

import asyncio
import copy
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from pba.client import request
from pba.types import NetworkMode
from tests.support.histories import INTERNET
from tests.support.service import RunningService
from tests.support.waiting import until
from tests.toy import toy_artifact

pytestmark = [pytest.mark.ray, pytest.mark.slow]


async def test_a_new_model_is_swapped_in_and_a_broken_one_refused(service: RunningService):
    forecasts: list[tuple[str, list[str]]] = []
    stop = asyncio.Event()
    async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:

        async def load() -> None:
            while not stop.is_set():
                response = await client.post("/v1/forecast", json=request(INTERNET))
                assert response.status_code == 200
                body = response.json()
                forecasts.append((body["model_version"], body["reasons"]))

        worker = asyncio.create_task(load())
        await until(lambda: len(forecasts) >= 5)
        newer = toy_artifact(service.folder / "newer", NetworkMode.INTERNET, "toy-2")
        await asyncio.to_thread(service.deploy, with_internet_model(service, newer))
        await until(lambda: internet_model(service)["version"] == "toy-2")
        await until(lambda: forecasts[-1][0] == "toy-2", "the router's own model")
        broken = toy_artifact(service.folder / "broken", NetworkMode.INTERNET, "toy-3")
        (broken / "internet_bandwidth_predictor.onnx").write_bytes(b"not a model")
        await asyncio.to_thread(service.deploy, with_internet_model(service, broken))
        await until(lambda: internet_model(service)["refused"] is not None)
        stop.set()
        await worker
    assert "sha256" in internet_model(service)["refused"]
    assert internet_model(service)["version"] == "toy-2"
    assert all(reasons == ["stale"] for _, reasons in forecasts), Counter(map(str, forecasts))
    versions = [version for version, _ in forecasts]
    assert set(versions) == {"toy-1", "toy-2"}
    assert versions == sorted(versions)


async def test_the_first_model_comes_back_with_its_configuration(service: RunningService):
    await asyncio.to_thread(service.deploy, service.config)
    await until(lambda: internet_model(service)["version"] == "toy-1")
    assert internet_model(service)["refused"] is None


def with_internet_model(service: RunningService, model: Path) -> dict[str, Any]:
    """Return the service's config with another internet model."""
    config = copy.deepcopy(service.config)
    for deployment in config["applications"][0]["deployments"]:
        if deployment["name"] == "InternetModel":
            deployment["user_config"]["model"] = str(model)
        if deployment["name"] == "Router":
            deployment["user_config"]["models"]["internet"] = str(model)
    return config


def internet_model(service: RunningService) -> dict[str, Any]:
    description: dict[str, Any] = httpx.get(f"{service.url}/v1/models").json()["models"]["internet"]
    return description
