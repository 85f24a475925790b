"""A stream of histories: each request is answered in order, errors end it, and rights hold."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import grpc
import pytest

from deployments.grpc import pba_pb2 as pb
from pba.security.limits import Limits
from pba.serving.chunking import AT_ONCE
from tests.deployments.grpc import messages
from tests.deployments.grpc.test_streams import WAIT_S, Watching, open_watching
from tests.support.histories import DATACENTER, INTERNET
from tests.support.waiting import until


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Watching]:
    async with open_watching(tmp_path) as opened:
        yield opened


def request(*bandwidths: float) -> pb.ForecastBatchRequest:
    """Return a request of steady histories."""
    return pb.ForecastBatchRequest(requests=map(history, bandwidths))


def history(mbps: float) -> pb.ForecastRequest:
    seconds = range(60)
    samples = [pb.Sample(timestamp_s=1.7e9 + one, bandwidth_mbps=mbps) for one in seconds]
    return pb.ForecastRequest(history=samples, mode=pb.MODE_INTERNET)


def send(
    service: Watching, requests: Iterable[pb.ForecastBatchRequest]
) -> grpc.aio.StreamStreamCall:
    return service.stub.ForecastStream(iter(requests), metadata=service.metadata, timeout=WAIT_S)


async def points(call: grpc.aio.StreamStreamCall) -> list[list[float]]:
    return [
        [round(item.forecast.horizons[0].bandwidth_mbps) for item in response.forecasts]
        async for response in call
    ]


async def test_requests_are_answered_in_order_as_by_a_bulk_call(service: Watching):
    sizes = [1, 3, 1, 40, 2] + [1] * (3 * AT_ONCE)
    numbers = iter(range(1, 1000))
    rates = [[float(next(numbers)) for _ in range(size)] for size in sizes]
    assert await points(send(service, [request(*part) for part in rates])) == rates
    bulk = pb.ForecastBatchRequest(requests=map(messages.request, (INTERNET, DATACENTER)))
    expected = await service.stub.ForecastBatch(bulk)
    (streamed,) = [response async for response in send(service, [bulk])]
    for one, other in zip(expected.forecasts, streamed.forecasts, strict=True):
        assert one.forecast.horizons == other.forecast.horizons


async def test_an_answer_comes_while_the_stream_is_open(service: Watching):
    call = service.stub.ForecastStream(timeout=WAIT_S)
    for mbps in (10.0, 20.0):
        await call.write(request(mbps))
        (item,) = (await call.read()).forecasts
        assert item.forecast.horizons[0].bandwidth_mbps == pytest.approx(mbps, rel=0.01)
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF


async def test_the_error_of_a_history_takes_its_place(service: Watching):
    bulk = pb.ForecastBatchRequest(requests=[history(5.0), pb.ForecastRequest(), history(6.0)])
    (response,) = [response async for response in send(service, [bulk])]
    assert [item.HasField("error") for item in response.forecasts] == [False, True, False]


async def test_an_error_comes_after_the_answers_before_it(service: Watching):
    wrong = request(9.0)
    wrong.MergeFromString(b"\xfa\x7f\x01x")  # a field that the proto does not have
    call = send(service, [request(5.0), request(6.0), wrong, request(7.0)])
    answered = [(await call.read()).forecasts[0] for _ in range(2)]
    assert [round(item.forecast.horizons[0].bandwidth_mbps) for item in answered] == [5, 6]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert dict(caught.value.trailing_metadata())["pba-error-code"] == "invalid_request"


async def test_a_large_request_is_refused(service: Watching):
    with pytest.raises(grpc.aio.AioRpcError, match="at most 1000000"):
        await points(send(service, [request(*range(1, 1001))]))


async def test_a_key_counts_and_so_does_each_request(service: Watching):
    await service.use_key("reader", limits=Limits(requests_per_s=1e-3))
    call = service.stub.ForecastStream(metadata=service.metadata, timeout=WAIT_S)
    for _ in range(5):
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await call.write(request(5.0))
            await call.read()
    assert await call.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    key_id = await service.use_key("reader")
    call = service.stub.ForecastStream(metadata=service.metadata, timeout=WAIT_S)
    await call.write(request(5.0))
    await call.read()
    service.service.services.stores.flags.keys.revoke(key_id)
    await service.service.services.callers.refresh()
    await call.write(request(6.0))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
    service.metadata = (("authorization", "Bearer pba_x"),)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await points(send(service, [request(5.0)]))
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED


async def test_who_leaves_ends_its_work(service: Watching):
    answered = service.service.services.plane
    call = service.stub.ForecastStream(timeout=WAIT_S)
    await call.write(request(5.0))
    await call.read()
    await call.write(request(*range(1, 200)))
    call.cancel()
    await until(lambda: answered.in_flight == 0, "the end of the work", limit_s=WAIT_S)
