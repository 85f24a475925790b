"""The Open Inference Protocol over gRPC: what the models return, who may call, what is refused."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from deployments.grpc import inference_pb2 as pb, inference_pb2_grpc
from deployments.grpc.access_control import METHODS, OPEN_METHODS
from deployments.grpc.inference import INFERENCE
from deployments.ingress.wiring import grpc_server
from pba.errors import Unavailable
from pba.types import Floats
from tests.deployments.ingress.test_inference import OUTPUTS, assert_outputs, telemetry
from tests.support.in_process import InProcess, open_in_process
from tests.support.keys import key
from tests.support.ports import own_port


class Called:
    """A service with a gRPC server, and a client."""

    def __init__(self, service: InProcess, channel: grpc.aio.Channel) -> None:
        self.service = service
        self.stub = inference_pb2_grpc.GRPCInferenceServiceStub(channel)


@pytest.fixture
async def called(tmp_path: Path) -> AsyncIterator[Called]:
    with own_port() as port:
        async with (
            open_in_process(tmp_path, grpc_port=port) as service,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            server = grpc_server(service.services)
            await server.start()
            yield Called(service, channel)
            await server.stop()


def request(values: Floats, raw: bool, **fields: Any) -> pb.ModelInferRequest:
    message = pb.ModelInferRequest(model_name="internet", **fields)
    tensor = message.inputs.add(name="telemetry", datatype="FP32", shape=values.shape)
    if raw:
        message.raw_input_contents.append(values.tobytes())
    else:
        tensor.contents.fp32_contents.extend(values.ravel().tolist())
    return message


def read(response: pb.ModelInferResponse) -> dict[str, Floats]:
    outputs = {}
    for index, tensor in enumerate(response.outputs):
        assert tensor.datatype == "FP32"
        if response.raw_output_contents:
            values = np.frombuffer(response.raw_output_contents[index], "<f4")
        else:
            values = np.array(tensor.contents.fp32_contents, dtype=np.float32)
        outputs[tensor.name] = values.reshape(tensor.shape)
    return outputs


@pytest.mark.parametrize("raw", [False, True])
async def test_a_model_answers_in_the_form_of_the_request(called: Called, raw: bool):
    values = telemetry()
    response = await called.stub.ModelInfer(request(values, raw, id="17"))
    assert_outputs(called.service, values, read(response))
    assert bool(response.raw_output_contents) is raw
    version = called.service.models["internet"].host.forecaster.version
    assert (response.model_name, response.model_version, response.id) == ("internet", version, "17")
    part = request(values, raw, outputs=[{"name": "path"}])
    assert set(read(await called.stub.ModelInfer(part))) == {"path"}


async def test_server_and_models_are_described(called: Called):
    stub = called.stub
    assert (await stub.ServerLive(pb.ServerLiveRequest())).live
    assert (await stub.ServerReady(pb.ServerReadyRequest())).ready
    assert (await stub.ModelReady(pb.ModelReadyRequest(name="internet"))).ready
    assert (await stub.ServerMetadata(pb.ServerMetadataRequest())).name == "pba"
    metadata = await stub.ModelMetadata(pb.ModelMetadataRequest(name="datacenter"))
    assert [(one.name, one.datatype, *one.shape) for one in metadata.inputs] == [
        ("telemetry", "FP32", -1, 30, 5)
    ]
    assert [one.name for one in metadata.outputs] == list(OUTPUTS)


async def test_a_service_whose_model_is_away_is_not_ready(called: Called):
    called.service.models["internet"].error = Unavailable("away")
    assert not (await called.stub.ServerReady(pb.ServerReadyRequest())).ready
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await called.stub.ModelReady(pb.ModelReadyRequest(name="internet"))
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


def _changed(**fields: Any) -> pb.ModelInferRequest:
    return request(telemetry(1), raw=True, **fields)


NO_VALUES = pb.ModelInferRequest(
    model_name="internet", inputs=[{"name": "telemetry", "datatype": "FP32", "shape": [1, 60, 5]}]
)
TWICE = request(telemetry(1), raw=False)
TWICE.raw_input_contents.append(telemetry(1).tobytes())


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        (pb.ModelInferRequest(model_name="internet"), "INVALID_ARGUMENT", "one input is telemetry"),
        (NO_VALUES, "INVALID_ARGUMENT", "0 values"),
        (TWICE, "INVALID_ARGUMENT", "Send them once"),
        (request(telemetry(1)[:, :9], raw=True), "INVALID_ARGUMENT", "it is [windows, 60, 5]"),
        (request(telemetry(257), raw=True), "INVALID_ARGUMENT", "at most 256"),
        (_changed(model_version="older"), "NOT_FOUND", "'older' is not loaded"),
        (_changed(outputs=[{"name": "x"}]), "INVALID_ARGUMENT", "x is no output"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_wrong_request_is_refused(
    called: Called, message: pb.ModelInferRequest, code: str, words: str
):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await called.stub.ModelInfer(message)
    assert caught.value.code().name == code
    assert words in caught.value.details()


async def test_health_needs_no_key_and_models_need_one(called: Called):
    methods = {f"/{INFERENCE}/{method.name}" for method in _service().methods}
    assert methods == {path for path in METHODS if INFERENCE in path} | set(OPEN_METHODS)
    record, header = key("reader", "fra1:*")
    called.service.services.stores.flags.keys.add(record)
    await called.service.services.callers.refresh()
    metadata = (("authorization", header["Authorization"]),)
    for method in _service().methods:
        call = getattr(called.stub, method.name)
        message = method.input_type._concrete_class()
        if method.name == "ModelInfer":
            message = request(telemetry(1), raw=True)
        elif method.name in ("ModelReady", "ModelMetadata"):
            message.name = "internet"
        await call(message, metadata=metadata)
        if f"/{INFERENCE}/{method.name}" in OPEN_METHODS:
            await call(message)
            continue
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(message)
        assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED


def _service() -> Any:
    return pb.DESCRIPTOR.services_by_name["GRPCInferenceService"]
