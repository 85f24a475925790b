"""The gRPC server over a real data plane: heuristic forecasts, and a SQLite store."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deployments.grpc import pba_pb2 as pb, pba_pb2_grpc
from deployments.grpc.server import SERVICE, GrpcServer
from deployments.settings import Settings
from pba.errors import Busy, NotFound, PBAError, StoreUnavailable, Unavailable
from pba.forecasting.allocation import AllocationRequest
from pba.serving.data_plane import DataPlane
from pba.serving.local_service import LocalService
from pba.serving.model_inference import ModelInference
from pba.types import History
from tests.deployments.grpc import messages
from tests.serving.link_harness import NOON, LinkHarness, open_links
from tests.support.in_process import NoMeter, nobody_watches
from tests.support.keys import callers, refusal_counter
from tests.support.ports import own_port

HISTORY = History(np.arange(9.0), np.full((9, 5), 0.5))


@dataclass
class Running:
    """A server, and what it answers from."""

    plane: DataPlane
    harness: LinkHarness
    problems: dict[str, str]
    channel: grpc.aio.Channel

    async def server(self, settings: Settings) -> GrpcServer:
        async def report_problems() -> dict[str, str]:
            return self.problems

        async def no_operation(*_: object) -> NoReturn:
            raise NotFound("test_parity makes the calls of operators")

        known, refusals = await callers(), refusal_counter()
        patience_s = 2.0
        return GrpcServer(
            self.plane,
            nobody_watches(self.harness.store),
            settings,
            known,
            report_problems,
            refusals,
            no_operation,
            ModelInference({}, no_operation, 1.0),
            patience_s,
        )


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    with own_port() as port:
        settings = Settings(grpc_port=port, max_items=3, max_body_mb=0.01, large_bodies_mb=0.02)
        async with (
            open_links(tmp_path) as harness,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            plane = DataPlane(harness.forecasts, harness.links, 256, NoMeter())
            service = Running(plane, harness, {}, channel)
            server = await service.server(settings)
            await server.start()
            yield service
            await server.stop()


@pytest.fixture
def stub(running: Running) -> pba_pb2_grpc.PredictorStub:
    return pba_pb2_grpc.PredictorStub(running.channel)


def fail_with(running: Running, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async def fail(*_: object) -> NoReturn:
        raise error

    monkeypatch.setattr(running.plane, "forecast", fail)


async def refused(call: Any) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error = caught.value
    return error.code(), error.details(), dict(error.trailing_metadata())


async def test_a_forecast_is_that_of_the_data_plane(
    running: Running, stub: pba_pb2_grpc.PredictorStub
):
    response = await stub.Forecast(messages.request(HISTORY, link_id="a"))
    expected = LocalService({}, clock=lambda: NOON).forecast(HISTORY)
    forecast = messages.forecast(response.forecast)
    assert (forecast.link_id, forecast.made_at) == ("a", NOON)
    assert forecast.horizons == expected.horizons
    await running.harness.links.drain()
    assert [len(part) for part in running.harness.store.history("a", 0, 9e9, 10)] == [9, 1]


async def test_an_invalid_sample_is_named_in_trailing_metadata(stub: pba_pb2_grpc.PredictorStub):
    request = messages.request(HISTORY)
    request.history[2].bandwidth_mbps = -1.7
    code, text, metadata = await refused(stub.Forecast(request))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "bandwidth_mbps is -1.7" in text
    assert metadata["pba-error-code"] == "invalid_sample"
    assert metadata["pba-error-field"] == "history[2].bandwidth_mbps"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Busy("full"), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (StoreUnavailable("away"), grpc.StatusCode.UNAVAILABLE),
        (NotFound("no such link"), grpc.StatusCode.NOT_FOUND),
    ],
)
async def test_errors_have_the_codes_of_the_table(
    running: Running,
    stub: pba_pb2_grpc.PredictorStub,
    monkeypatch: pytest.MonkeyPatch,
    error: PBAError,
    code: grpc.StatusCode,
):
    fail_with(running, monkeypatch, error)
    status, text, metadata = await refused(stub.Forecast(messages.request(HISTORY)))
    assert (status, text, metadata["pba-error-code"]) == (code, error.message, error.code)
    assert ("grpc-retry-pushback-ms" in metadata) == isinstance(error, Busy | Unavailable)


async def test_a_bug_is_internal_without_its_text(
    running: Running, stub: pba_pb2_grpc.PredictorStub, monkeypatch: pytest.MonkeyPatch
):
    fail_with(running, monkeypatch, ZeroDivisionError("secret"))
    code, text, metadata = await refused(stub.Forecast(messages.request(HISTORY)))
    assert code is grpc.StatusCode.INTERNAL
    assert "secret" not in text
    assert metadata["x-request-id"]


async def test_every_response_carries_the_callers_request_id_or_a_new_one(
    stub: pba_pb2_grpc.PredictorStub,
):
    for metadata in (("x-request-id", "mine"),), ():
        call = stub.Forecast(messages.request(HISTORY), metadata=metadata)
        await call
        request_id = dict(await call.trailing_metadata())["x-request-id"]
        assert request_id == "mine" if metadata else len(request_id) == 36


@pytest.mark.parametrize("strange", ["a" * 101, "a b", '"', "%0a", "a,b", ""])
async def test_a_request_id_that_is_long_or_strange_is_replaced(
    stub: pba_pb2_grpc.PredictorStub, strange: str
):
    call = stub.Forecast(messages.request(HISTORY), metadata=(("x-request-id", strange),))
    await call
    assert len(dict(await call.trailing_metadata())["x-request-id"]) == 36


async def test_a_batch_has_errors_in_their_places(stub: pba_pb2_grpc.PredictorStub):
    valid, invalid = messages.request(HISTORY), messages.request(HISTORY)
    invalid.history[1].ClearField("bandwidth_mbps")
    request = pb.ForecastBatchRequest(requests=[valid, invalid, valid])
    response = await stub.ForecastBatch(request)
    kinds = [item.WhichOneof("outcome") for item in response.forecasts]
    assert kinds == ["forecast", "error", "forecast"]
    assert response.forecasts[1].error.field == "history[1].bandwidth_mbps"


async def test_more_items_than_the_limit_refuse_the_whole_call(stub: pba_pb2_grpc.PredictorStub):
    request = pb.ForecastBatchRequest(requests=[pb.ForecastRequest()] * 4)
    code, text, _ = await refused(stub.ForecastBatch(request))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "at most 3" in text


async def test_a_message_over_the_limit_is_refused_before_it_is_read(
    stub: pba_pb2_grpc.PredictorStub,
):
    code, _, _ = await refused(stub.Forecast(pb.ForecastRequest(link_id="x" * 20_000)))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_messages_that_stay_away_hold_up_no_other_for_long_and_end(
    running: Running, stub: pba_pb2_grpc.PredictorStub
):
    """The settings have room for two messages at a time."""

    async def nothing() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    silent = running.channel.stream_unary(f"/{SERVICE}/Forecast")
    calls = [silent(nothing()) for _ in range(2)]
    for call in calls:
        await call.wait_for_connection()
    request = pb.ForecastRequest(columns={"timestamp_s": [1.0, 2.0], "bandwidth_mbps": [1.0, 1.0]})
    assert (await stub.Forecast(request)).forecast.source == "heuristic"
    for call in calls:
        code, message, metadata = await refused(call)
        assert code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert metadata["pba-error-code"] == "timeout"
        assert "2 s" in message


async def test_observed_samples_are_stored_before_the_response(
    running: Running, stub: pba_pb2_grpc.PredictorStub
):
    sample = pb.Sample(timestamp_s=1e9, bandwidth_mbps=5.0)
    request = pb.ObserveRequest(samples=[pb.LinkSample(link_id="a", sample=sample)])
    response = await stub.Observe(request)
    assert response.links["a"] == pb.LinkObserved(accepted=1, mode=pb.MODE_INTERNET)
    samples, _ = running.harness.store.history("a", 0, 9e9, 10)
    assert samples.timestamps_s.tolist() == [1e9]
    assert (await stub.Observe(request)).links["a"].duplicates == 1


def observation(count: int, **options: object) -> pb.ObserveRequest:
    rows = [pb.Sample(timestamp_s=1e9 + second, bandwidth_mbps=5.0) for second in range(count)]
    samples = [pb.LinkSample(link_id="a", sample=sample) for sample in rows]
    return pb.ObserveRequest(samples=samples, **options)


async def test_a_report_may_request_its_links_forecast(
    running: Running, stub: pba_pb2_grpc.PredictorStub
):
    request = observation(
        3, forecast=True, as_of_newest=True, allocation=pb.AllocationRequest(max_streams=2)
    )
    request.samples[2].link_id = "short"
    links = (await stub.Observe(request)).links
    assert (links["a"].accepted, links["short"].accepted) == (2, 1)
    assert links["short"].error.code == "invalid_history"
    assert not links["a"].HasField("error")
    forecast = messages.forecast(links["a"].forecast)
    assert forecast.allocation is not None
    assert (forecast.allocation.streams, forecast.age_s) == (2, 0.0)
    advice = AllocationRequest(max_streams=2)
    assert forecast == (await running.harness.links.forecast("a", advice, True)).forecast
    plain = (await stub.Observe(observation(3))).links["a"]
    assert not plain.HasField("forecast")


async def test_while_the_store_is_away_the_forecast_is_in_trailing_metadata(
    running: Running, stub: pba_pb2_grpc.PredictorStub, monkeypatch: pytest.MonkeyPatch
):
    async def refuse(*_: object) -> NoReturn:
        raise StoreUnavailable("away")

    monkeypatch.setattr(running.harness.links, "_commit", refuse)
    code, _, metadata = await refused(stub.Observe(observation(3, forecast=True)))
    assert code is grpc.StatusCode.UNAVAILABLE
    (item,) = pb.ForecastBatchResponse.FromString(metadata["pba-forecasts-bin"]).forecasts
    assert item.forecast.link_id == "a"
    assert item.forecast.reasons[-1] == "not_recorded"
    _, _, metadata = await refused(stub.Observe(observation(3)))
    assert "pba-forecasts-bin" not in metadata


@pytest.mark.parametrize("service", ["", SERVICE])
async def test_the_health_service_answers_beside_the_predictor(running: Running, service: str):
    stub = health_pb2_grpc.HealthStub(running.channel)
    response = await stub.Check(health_pb2.HealthCheckRequest(service=service))
    assert response.status == health_pb2.HealthCheckResponse.SERVING


async def test_an_address_that_cannot_be_bound_is_an_error_with_the_remedy(running: Running):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = Settings(grpc_port=taken.getsockname()[1])
        with pytest.raises(RuntimeError, match="grpc_port"):
            await running.server(settings)


async def test_two_servers_of_one_machine_share_a_port(running: Running):
    with own_port() as port:
        servers = [await running.server(Settings(grpc_port=port)) for _ in range(2)]
        for server in servers:
            await server.start()
        for server in servers:
            await server.stop()
