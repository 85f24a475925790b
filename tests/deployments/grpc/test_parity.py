"""What HTTP answers, gRPC answers too: every pair of calls on the same services."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from deployments.grpc import pba_pb2_grpc
from deployments.grpc.server import GrpcServer
from deployments.settings import Settings
from tests.deployments.grpc.parity import LINK, PAIRS, ROWS, Pair, as_document, comparable
from tests.regression.closeness import differences
from tests.support.in_process import InProcess, open_in_process
from tests.support.ports import own_port


class Both:
    """Services that answer over HTTP and over gRPC."""

    def __init__(self, service: InProcess, channel: grpc.aio.Channel) -> None:
        self.service, self._stub = service, pba_pb2_grpc.PredictorStub(channel)

    async def over_http(self, pair: Pair) -> Any:
        """Return the document, or the error with its code, message and field."""
        verb = pair.way.split()[0]
        response = await self.service.client.request(verb, pair.target, json=pair.body)
        return comparable(response.json())

    async def over_grpc(self, pair: Pair) -> Any:
        """Return the same from the counterpart."""
        try:
            response = await getattr(self._stub, pair.method.partition("/")[2])(pair.message)
        except grpc.aio.AioRpcError as error:
            metadata = dict(error.trailing_metadata())
            field = {"field": metadata["pba-error-field"]} if "pba-error-field" in metadata else {}
            return {
                "error": {"code": metadata["pba-error-code"], "message": error.details(), **field}
            }
        document: Any = as_document(response)
        for name in pair.part:
            document = document[name]
        return comparable(document)


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Both]:
    with own_port() as port:
        async with (
            open_in_process(tmp_path) as service,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            services, settings = service.services, Settings(grpc_port=port)
            server = GrpcServer(
                services.plane, settings, services.callers, services.problems, services.refusals
            )
            await server.start()
            late = {**ROWS[0], "timestamp": ROWS[0]["timestamp"] + 100}
            await service.client.post(f"/v1/links/{LINK}/samples", json={"samples": [*ROWS, late]})
            yield Both(service, channel)
            await server.stop()


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.way for pair in PAIRS])
async def test_both_protocols_give_the_same_answer(both: Both, pair: Pair):
    expected, answer = await both.over_http(pair), await both.over_grpc(pair)
    assert "error" not in expected
    assert differences(expected, answer) == []
