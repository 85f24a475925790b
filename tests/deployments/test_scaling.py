"""Replicas of a running service: started when called, scaled with load, replaced when killed."""

import asyncio
import copy
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import httpx
import pytest

from deployments.grpc import pba_pb2 as pb
from pba.client import request
from pba.models import v1_features
from tests.deployments.grpc import messages
from tests.support.histories import BORDERLINE, INTERNET
from tests.support.processes import REPLICAS, ROUTERS, kill
from tests.support.service import RunningService
from tests.support.waiting import until

pytestmark = [pytest.mark.ray, pytest.mark.slow]

AUTOSCALER_S = 3.0  # a whole interval of metrics and the delay of scaling up


async def test_v1_starts_when_it_is_called_and_stops_when_idle(service: RunningService):
    def v1() -> dict[str, Any]:
        models: dict[str, Any] = httpx.get(f"{service.url}/v1/models").json()["models"]
        description: dict[str, Any] = models["v1"]
        return description

    asleep = {"mode": "v1", "asleep": True}
    await until(lambda: v1() == asleep)  # a busy machine answers an error at times
    limit = time.monotonic() + AUTOSCALER_S
    while time.monotonic() < limit:  # describing v1 is no call that starts it
        assert v1() == asleep
    assert service.program(REPLICAS)["BaselineModel"] == 0
    window = v1_features.features(INTERNET.timestamps_s + 1.7e9, INTERNET.telemetry)[-10:]
    level = await asyncio.to_thread(service.program, _CALL_V1.format(window.tolist()))
    assert level == pytest.approx(window[-1, 0])
    await until(lambda: v1() == {"mode": "v1", "asleep": False})
    await until(lambda: v1() == asleep)


_CALL_V1 = """
import numpy as np
nan = float("nan")
v1 = serve.get_deployment_handle("BaselineModel", "pba")
output = v1.predict.remote(np.array([{}], dtype=np.float32)).result(timeout_s=60)
reply(float(output.prediction.level_mbps[0]))
"""


async def test_killing_one_models_replicas_leaves_every_request_answered(service: RunningService):
    statuses: Counter[int] = Counter()
    sources: Counter[str] = Counter()
    stop = asyncio.Event()
    body = {"requests": [request(BORDERLINE)] * 8}  # too many for a router alone
    async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:

        async def load() -> None:
            while not stop.is_set():
                response = await client.post("/v1/forecasts", json=body)
                statuses[response.status_code] += 1
                for item in response.json().get("forecasts", []):
                    sources[item["forecast"]["source"]] += 1

        workers = [asyncio.create_task(load()) for _ in range(4)]
        await until(lambda: sources["ensemble"] >= 20)
        assert await asyncio.to_thread(kill, service, "InternetModel")
        before = sources["ensemble"]
        # A call waits for the new replica, or is answered without the model if that takes too long.
        await until(lambda: sources["ensemble"] > before + 40, "the ensemble's return")
        stop.set()
        await asyncio.gather(*workers)
    assert set(statuses) == {200}


async def test_internet_load_scales_the_internet_model_alone_and_back(service: RunningService):
    def replicas() -> dict[str, int]:
        counts: dict[str, int] = service.program(REPLICAS)
        return counts

    one_each = {"DatacenterModel": 1, "InternetModel": 1, "BaselineModel": 0}
    await until(lambda: replicas() == one_each)  # the replica killed before is replaced
    loaded = await asyncio.to_thread(service.program, _LOAD, 120.0)
    assert loaded == one_each | {"InternetModel": 2}
    await until(lambda: replicas() == one_each)


# Replies the replicas of each model once calls in flight, which cost no CPU, have added one.
_LOAD = """
import time
model = serve.get_deployment_handle("InternetModel", "pba")
limit = time.monotonic() + 90
while time.monotonic() < limit:
    for call in [model.stay.remote() for _ in range(8)]:
        call.result(timeout_s=60)
    deployments = serve.status().applications["pba"].deployments
    replicas = {name: deployment.replica_states.get("RUNNING", 0)
                for name, deployment in deployments.items() if name.endswith("Model")}
    if replicas["InternetModel"] == 2:
        break
reply(replicas)
"""


@pytest.fixture(scope="module")
def scaled_routers(service: RunningService) -> Iterator[None]:
    """One to two routers, for one request in flight each; one afterwards."""
    service.deploy(with_scaled_routers(service))
    yield
    service.deploy(service.config)


@pytest.mark.usefixtures("scaled_routers")
async def test_load_that_a_router_answers_by_itself_adds_a_router(service: RunningService):
    """The load is gRPC, which Serve does not count, and no model deployment takes part."""

    async def routers(count: int) -> None:
        await until(lambda: len(service.program(ROUTERS)) == count, f"{count} routers")

    async with forecasts_in_parallel(service):
        await routers(2)
    await routers(1)
    assert service.program(REPLICAS)["InternetModel"] == 1


@asynccontextmanager
async def forecasts_in_parallel(service: RunningService) -> AsyncIterator[None]:
    """Twelve callers ask for forecasts, one after the other, as long as the context lasts.

    A call costs them less than the router: prepared bytes, and as many windows as it answers.
    """
    stop = asyncio.Event()
    message = pb.ForecastBatchRequest(requests=[messages.request(INTERNET)] * 4)
    content = message.SerializeToString()
    async with grpc.aio.insecure_channel(service.grpc_address) as channel:
        forecast = channel.unary_unary("/pba.v1.Predictor/ForecastBatch")

        async def call() -> None:
            while not stop.is_set():
                await forecast(content, timeout=60, wait_for_ready=True)

        callers = [asyncio.create_task(call()) for _ in range(12)]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*callers)


def with_scaled_routers(service: RunningService) -> dict[str, Any]:
    """Return the service's config with one to two routers, for one request in flight each."""
    config = copy.deepcopy(service.config)
    for deployment in config["applications"][0]["deployments"]:
        if deployment["name"] == "Router":
            deployment["autoscaling_config"] |= {
                "min_replicas": 1,
                "max_replicas": 2,
                "target_ongoing_requests": 1,
                "upscale_delay_s": 1,
                "downscale_delay_s": 3,
                "look_back_period_s": 2,
                "metrics_interval_s": 1,
            }
    return config
