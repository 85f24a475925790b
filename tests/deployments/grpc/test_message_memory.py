"""No message stays in memory for longer than its call."""

import gc
from collections.abc import Callable, Iterator

import grpc
import pytest

from deployments.grpc import pba_pb2 as pb, pba_pb2_grpc
from deployments.grpc.message_places import MessagePlaces
from tests.support.ports import own_port

_SAMPLES = 3
_SIZE = 10_000


class Accepting(pba_pb2_grpc.PredictorServicer):
    """Takes any samples."""

    async def Observe(
        self, request: pb.ObserveRequest, context: grpc.aio.ServicerContext
    ) -> pb.ObserveResponse:
        return pb.ObserveResponse()


@pytest.fixture
def without_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def messages_in_memory() -> int:
    """Return how many objects refer to ``bytes`` of the size of a message."""
    return sum(
        type(one) is bytes and len(one) >= _SIZE
        for holder in gc.get_objects()
        for one in gc.get_referents(holder)
    )


def request(samples: int) -> pb.ObserveRequest:
    sample = pb.LinkSample(link_id="a" * _SIZE, sample=pb.Sample(timestamp_s=1.0))
    return pb.ObserveRequest(samples=[sample] * samples)


async def accepted(call: Callable[..., grpc.aio.UnaryUnaryCall]) -> None:
    await call(request(_SAMPLES))


async def refused(call: Callable[..., grpc.aio.UnaryUnaryCall]) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="at most 3"):
        await call(request(_SAMPLES + 1))


@pytest.mark.usefixtures("without_collection")
@pytest.mark.parametrize("send", [accepted, refused])
async def test_a_message_is_gone_when_its_call_is(send: Callable[..., object]) -> None:
    with own_port() as port:
        server = grpc.aio.server(interceptors=[MessagePlaces(2, 5.0, _SAMPLES)])
        pba_pb2_grpc.add_PredictorServicer_to_server(Accepting(), server)
        server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = pba_pb2_grpc.PredictorStub(channel)
            before = messages_in_memory()
            for _ in range(6):
                await send(stub.Observe)
            after = messages_in_memory()
        await server.stop(None)
    assert after <= before + 2, "the newest may still be on its way out"
