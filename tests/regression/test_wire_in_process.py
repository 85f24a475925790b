"""The service without Ray answers over HTTP and gRPC as version 3.0.0 did, key by key.

`test_wire` does the same with a service that runs.
"""

import asyncio
from pathlib import Path

import grpc

from deployments.grpc import pba_pb2_grpc
from deployments.ingress.wiring import grpc_server
from tests.regression.closeness import differences
from tests.regression.replay import fixture
from tests.regression.wire import (
    both_masked,
    call_grpc,
    http_request,
    http_result,
    is_accepted_since,
    masked,
    prepare,
)
from tests.support.in_process import InProcess, open_in_process
from tests.support.ports import own_port


async def test_recorded_calls_are_answered_as_by_version_3_0(tmp_path: Path):
    with own_port() as port:
        async with open_in_process(tmp_path, grpc_port=port) as service:
            lines = await _grpc_differences(service) + await _http_differences(service)
    assert not lines, "\n".join(lines[:40])


async def _grpc_differences(service: InProcess) -> list[str]:
    recorded = fixture("grpc_answers.json")
    lines = []
    server = grpc_server(service.services)
    await server.start()
    with grpc.insecure_channel(f"127.0.0.1:{service.services.settings.grpc_port}") as channel:
        stub = pba_pb2_grpc.PredictorStub(channel)
        for place, call in enumerate(recorded["calls"]):
            result = await asyncio.to_thread(
                call_grpc, stub, call["request"], recorded["histories"]
            )
            result = masked(result, call["varying"], service.folder)
            where = f"calls[{place}] {call['request']['method']}"
            lines += differences(call["result"], result, where)
    await server.stop()
    return lines


async def _http_differences(service: InProcess) -> list[str]:
    recorded = fixture("http_answers.json")
    lines = []
    for place, call in enumerate(recorded["calls"]):
        if "before" in call:
            prepare(call["before"], service.folder)
        if call["repeated"]:  # it rests on what the service does by itself
            await service.settle()
        if is_accepted_since(call):
            continue
        request = http_request(call["request"], recorded["histories"])
        result = http_result(await service.client.request(**request))
        where = f"calls[{place}] {request['method']} {request['url']}"
        lines += differences(*both_masked(call, result, service.folder), where)
    return lines
