"""The gRPC server over a core that stands in for the router."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deployments.grpc import pba_pb2 as pb, pba_pb2_grpc
from deployments.grpc.health import Health
from deployments.grpc.server import SERVICE, GrpcServer
from deployments.settings import Settings
from pba.errors import Busy, NotFound, PBAError, StoreUnavailable, Unavailable
from pba.forecasting.query import Query
from pba.serving.local_service import LocalService
from pba.types import Forecast, History
from tests.deployments.grpc import messages

HISTORY = History(np.arange(9.0), np.full((9, 5), 0.5))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class StandIn:
    """Answers by heuristic, or with ``error``, and keeps what it was given to observe."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.ready = True
        self.observed: Mapping[str, Any] = {}
        self._local = LocalService({}, clock=lambda: NOON)

    async def answer_one(self, read: Callable[[], Query]) -> Forecast:
        if self.error:
            raise self.error
        return self._local.forecasts([read()])[0]

    async def answer_many(
        self, read: Callable[[], list[Query | PBAError]]
    ) -> list[Forecast | PBAError]:
        return [
            self._local.forecasts([item])[0] if isinstance(item, Query) else item for item in read()
        ]

    async def observe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.observed = request
        counts = {"accepted": 1, "duplicates": 0, "late": 0, "expired": 0, "mode": "internet"}
        return {"links": {item["link_id"]: counts for item in request["samples"]}}

    async def is_ready(self) -> bool:
        return self.ready


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def core() -> StandIn:
    return StandIn()


@pytest.fixture
async def channel(core: StandIn) -> AsyncIterator[grpc.aio.Channel]:
    settings = Settings(grpc_port=free_port(), max_items=3, max_body_mb=0.01)
    server = GrpcServer(core, settings, core.is_ready)
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{settings.grpc_port}") as opened:
        yield opened
    await server.stop()


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> pba_pb2_grpc.PredictorStub:
    return pba_pb2_grpc.PredictorStub(channel)


async def refused(call: Any) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error = caught.value
    return error.code(), error.details(), dict(error.trailing_metadata())


async def test_a_forecast_is_that_of_the_core(core: StandIn, stub: pba_pb2_grpc.PredictorStub):
    told = await stub.Forecast(messages.request(HISTORY, link_id="a"))
    made = core._local.forecasts([Query(HISTORY, link_id="a")])[0]
    assert messages.forecast(told.forecast) == made


async def test_a_bad_sample_is_named_in_trailing_metadata(stub: pba_pb2_grpc.PredictorStub):
    wrong = messages.request(HISTORY)
    wrong.history[2].packet_loss = 1.7
    code, text, metadata = await refused(stub.Forecast(wrong))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "packet_loss is 1.7" in text
    assert metadata["pba-error-code"] == "invalid_sample"
    assert metadata["pba-error-field"] == "history[2].packet_loss"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Busy("full"), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (StoreUnavailable("away"), grpc.StatusCode.UNAVAILABLE),
        (NotFound("no such link"), grpc.StatusCode.NOT_FOUND),
    ],
)
async def test_errors_have_the_codes_of_the_table(
    core: StandIn, stub: pba_pb2_grpc.PredictorStub, error: PBAError, code: grpc.StatusCode
):
    core.error = error
    found, text, metadata = await refused(stub.Forecast(messages.request(HISTORY)))
    assert (found, text, metadata["pba-error-code"]) == (code, error.message, error.code)
    assert ("grpc-retry-pushback-ms" in metadata) == isinstance(error, Busy | Unavailable)


async def test_a_bug_is_internal_without_its_text(core: StandIn, stub: pba_pb2_grpc.PredictorStub):
    core.error = ZeroDivisionError("secret")
    code, text, metadata = await refused(stub.Forecast(messages.request(HISTORY)))
    assert code is grpc.StatusCode.INTERNAL
    assert "secret" not in text
    assert metadata["x-request-id"]


async def test_every_answer_carries_the_callers_request_id_or_a_new_one(
    stub: pba_pb2_grpc.PredictorStub,
):
    for given in (("x-request-id", "mine"),), ():
        call = stub.Forecast(messages.request(HISTORY), metadata=given)
        await call
        told = dict(await call.trailing_metadata())["x-request-id"]
        assert told == "mine" if given else len(told) == 36


async def test_a_batch_answers_each_item_in_its_place(stub: pba_pb2_grpc.PredictorStub):
    good, wrong = messages.request(HISTORY), messages.request(HISTORY)
    wrong.history[1].ClearField("bandwidth_mbps")
    told = await stub.ForecastBatch(pb.ForecastBatchRequest(requests=[good, wrong, good]))
    kinds = [item.WhichOneof("outcome") for item in told.forecasts]
    assert kinds == ["forecast", "error", "forecast"]
    assert told.forecasts[1].error.field == "history[1].bandwidth_mbps"


async def test_more_items_than_allowed_are_refused_as_a_whole(stub: pba_pb2_grpc.PredictorStub):
    many = pb.ForecastBatchRequest(requests=[pb.ForecastRequest()] * 4)
    code, text, _ = await refused(stub.ForecastBatch(many))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "at most 3" in text


async def test_a_message_over_the_limit_is_refused_before_it_is_read(
    stub: pba_pb2_grpc.PredictorStub,
):
    code, _, _ = await refused(stub.Forecast(pb.ForecastRequest(link_id="x" * 20_000)))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_observed_samples_reach_the_core_and_its_counts_the_caller(
    core: StandIn, stub: pba_pb2_grpc.PredictorStub
):
    sample = pb.Sample(timestamp_s=1.0, bandwidth_mbps=5.0)
    told = await stub.Observe(
        pb.ObserveRequest(samples=[pb.LinkSample(link_id="a", sample=sample)])
    )
    assert core.observed["samples"] == [{"link_id": "a", "timestamp": 1.0, "bandwidth_mbps": 5.0}]
    assert told.links["a"] == pb.LinkObserved(accepted=1, mode=pb.MODE_INTERNET)


@pytest.mark.parametrize("service", ["", SERVICE])
async def test_health_tells_whether_the_core_is_ready(
    core: StandIn, channel: grpc.aio.Channel, service: str
):
    stub = health_pb2_grpc.HealthStub(channel)
    asked = health_pb2.HealthCheckRequest(service=service)
    assert (await stub.Check(asked)).status == health_pb2.HealthCheckResponse.SERVING
    core.ready = False
    assert (await stub.Check(asked)).status == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_health_of_another_service_is_not_found(channel: grpc.aio.Channel):
    asked = health_pb2.HealthCheckRequest(service="pba.v0.Predictor")
    code, text, _ = await refused(health_pb2_grpc.HealthStub(channel).Check(asked))
    assert code is grpc.StatusCode.NOT_FOUND
    assert SERVICE in text


async def test_a_watcher_is_told_of_changes_alone(core: StandIn):
    asked = health_pb2.HealthCheckRequest(service=SERVICE)
    told = Health(SERVICE, core.is_ready, every_s=0.001).Watch(asked, None)
    assert (await anext(told)).status == health_pb2.HealthCheckResponse.SERVING
    later = asyncio.create_task(anext(told))
    await asyncio.sleep(0.02)
    assert not later.done()
    core.ready = False
    assert (await later).status == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_a_watcher_of_another_service_is_told_that_it_is_unknown(core: StandIn):
    asked = health_pb2.HealthCheckRequest(service="other")
    told = await anext(Health(SERVICE, core.is_ready).Watch(asked, None))
    assert told.status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


async def test_an_address_that_is_not_to_be_had_is_said_to_be_so(core: StandIn):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = Settings(grpc_port=taken.getsockname()[1])
        with pytest.raises(RuntimeError, match="grpc_port"):
            GrpcServer(core, settings, core.is_ready)


async def test_two_servers_of_one_machine_share_a_port(core: StandIn):
    settings = Settings(grpc_port=free_port())
    servers = [GrpcServer(core, settings, core.is_ready) for _ in range(2)]
    for server in servers:
        await server.start()
    for server in servers:
        await server.stop()
