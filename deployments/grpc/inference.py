"""The service `inference.GRPCInferenceService`: the raw models, for clients of other servers."""

from collections.abc import Awaitable, Callable, Sized
from typing import TypeAlias

import grpc

from pba.errors import InvalidRequest
from pba.forecasting import ModelOutput
from pba.serving.data_plane import DataPlane
from pba.serving.model_inference import INPUT, ModelInference, Tensor
from pba.types import Floats

from ..inference_tensors import (
    DATATYPE,
    EXTENSIONS,
    PLATFORM,
    SERVER_NAME,
    SERVER_VERSION,
    check_input,
    outputs_of,
    tensor_rows,
)
from ..large_requests import read_request
from . import inference_pb2 as pb, inference_pb2_grpc
from .call_status import complete
from .message_parsing import refuse_unknown_fields

__all__ = ["INFERENCE", "InferenceService"]

INFERENCE: str = pb.DESCRIPTOR.services_by_name["GRPCInferenceService"].full_name

Context: TypeAlias = grpc.aio.ServicerContext


class InferenceService(inference_pb2_grpc.GRPCInferenceServiceServicer):
    """Runs the raw models.

    Parameters
    ----------
    plane
        Admits calls.
    inference
        Runs the models.
    problems
        What keeps the service from being ready; empty if nothing does.
    """

    def __init__(
        self,
        plane: DataPlane,
        inference: ModelInference,
        problems: Callable[[], Awaitable[Sized]],
    ) -> None:
        self._plane = plane
        self._inference = inference
        self._problems = problems

    async def ServerLive(self, request: pb.ServerLiveRequest, _: Context) -> pb.ServerLiveResponse:
        """Return that the process is up."""
        return pb.ServerLiveResponse(live=True)

    async def ServerReady(
        self, request: pb.ServerReadyRequest, context: Context
    ) -> pb.ServerReadyResponse:
        """Return whether models and store answer."""
        return pb.ServerReadyResponse(ready=not await complete(self._problems(), context))

    async def ServerMetadata(
        self, request: pb.ServerMetadataRequest, _: Context
    ) -> pb.ServerMetadataResponse:
        """Return name, version and extensions of the service."""
        return pb.ServerMetadataResponse(
            name=SERVER_NAME, version=SERVER_VERSION, extensions=EXTENSIONS
        )

    async def ModelReady(
        self, request: pb.ModelReadyRequest, context: Context
    ) -> pb.ModelReadyResponse:
        """Return that a model answers; an error otherwise."""
        await complete(self._inference.loaded(request.name, request.version), context)
        return pb.ModelReadyResponse(ready=True)

    async def ModelMetadata(
        self, request: pb.ModelMetadataRequest, context: Context
    ) -> pb.ModelMetadataResponse:
        """Return the loaded version of a model, its input and its outputs."""
        model = await complete(self._inference.loaded(request.name, request.version), context)
        return pb.ModelMetadataResponse(
            name=model.name,
            versions=[model.version],
            platform=PLATFORM,
            inputs=[_metadata(model.input)],
            outputs=map(_metadata, model.outputs),
        )

    async def ModelInfer(
        self, request: pb.ModelInferRequest, context: Context
    ) -> pb.ModelInferResponse:
        """Run a model on windows of telemetry, with nothing around it."""
        return await complete(self._infer(request), context)

    async def _infer(self, request: pb.ModelInferRequest) -> pb.ModelInferResponse:
        with self._plane.admit("infer"):
            telemetry = await read_request(self._plane, read_telemetry, request)
            output = await self._inference.infer(
                request.model_name, request.model_version, telemetry
            )
            return write_outputs(request, output)


def read_telemetry(request: pb.ModelInferRequest) -> Floats:
    """Return the input in ``request``.

    Raises
    ------
    InvalidRequest, InvalidInput
        For another input, or values that do not have its shape.
    """
    refuse_unknown_fields(request)
    check_input(
        [tensor.name for tensor in request.inputs], [tensor.datatype for tensor in request.inputs]
    )
    (tensor,), raw = request.inputs, request.raw_input_contents
    numbers = tensor.contents.fp32_contents
    if len(raw) > 1 or (raw and numbers):
        raise InvalidRequest(
            f"{INPUT} has values in {len(raw)} raw_input_contents"
            f"{' and in contents' if numbers else ''}. Send them once.",
            "inputs",
        )
    return tensor_rows(raw[0] if raw else list(numbers), list(tensor.shape))


def write_outputs(request: pb.ModelInferRequest, output: ModelOutput) -> pb.ModelInferResponse:
    """Return the response to ``request``: raw if the input was."""
    response = pb.ModelInferResponse(
        model_name=request.model_name, model_version=output.version, id=request.id
    )
    for name, values in outputs_of(output, [one.name for one in request.outputs]).items():
        tensor = response.outputs.add(name=name, datatype=DATATYPE, shape=values.shape)
        if request.raw_input_contents:
            response.raw_output_contents.append(values.tobytes())
        else:
            tensor.contents.fp32_contents.extend(values.ravel().tolist())
    return response


def _metadata(tensor: Tensor) -> pb.ModelMetadataResponse.TensorMetadata:
    return pb.ModelMetadataResponse.TensorMetadata(
        name=tensor.name, datatype=DATATYPE, shape=tensor.shape
    )
