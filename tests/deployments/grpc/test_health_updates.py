"""The health service follows what keeps the service from being ready."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deployments.grpc.health_updates import HealthUpdates

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
NAMES = ("", "pba.v1.Predictor")
TIMEOUT_S = 10


@dataclass
class Health:
    """A server of the health service alone."""

    problems: dict[str, str] = field(default_factory=dict)
    looks: int = 0

    async def look(self) -> dict[str, str]:
        self.looks += 1
        return self.problems


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
async def updates(health: Health) -> AsyncIterator[HealthUpdates]:
    opened = HealthUpdates(NAMES, health.look, every_s=0.005)
    yield opened
    await opened.stop()


@pytest.fixture
async def stub(updates: HealthUpdates) -> AsyncIterator[health_pb2_grpc.HealthStub]:
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(updates.servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield health_pb2_grpc.HealthStub(channel)
    await server.stop(None)


def request(name: str) -> health_pb2.HealthCheckRequest:
    return health_pb2.HealthCheckRequest(service=name)


@pytest.mark.parametrize("name", NAMES)
async def test_a_watcher_receives_each_change_of_the_status(
    health: Health, updates: HealthUpdates, stub: health_pb2_grpc.HealthStub, name: str
):
    await updates.start()
    assert (await stub.Check(request(name))).status == SERVING
    watch = stub.Watch(request(name), timeout=TIMEOUT_S)
    assert (await watch.read()).status == SERVING
    health.problems = {"store": "away"}
    assert (await watch.read()).status == NOT_SERVING
    assert (await stub.Check(request(name))).status == NOT_SERVING
    health.problems = {}
    assert (await watch.read()).status == SERVING
    assert health.looks >= 3
    watch.cancel()


async def test_a_service_with_problems_at_the_start_does_not_serve(
    health: Health, updates: HealthUpdates, stub: health_pb2_grpc.HealthStub
):
    health.problems = {"internet": "no answer"}
    await updates.start()
    assert (await stub.Check(request(""))).status == NOT_SERVING


async def test_a_stopped_server_does_not_serve_for_good(
    health: Health, updates: HealthUpdates, stub: health_pb2_grpc.HealthStub
):
    await updates.start()
    await updates.stop()
    looks = health.looks
    assert (await stub.Check(request(""))).status == NOT_SERVING
    await updates._update()
    assert (await stub.Check(request(""))).status == NOT_SERVING
    assert health.looks == looks + 1, "no look but the one above"


async def test_another_service_is_unknown(updates: HealthUpdates, stub: health_pb2_grpc.HealthStub):
    await updates.start()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Check(request("pba.v0.Predictor"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    watch = stub.Watch(request("pba.v0.Predictor"), timeout=TIMEOUT_S)
    assert (await watch.read()).status == SERVICE_UNKNOWN
    watch.cancel()
