"""The raw models in the Open Inference Protocol, version 2, for clients of KServe and Triton."""

from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from pba.errors import InvalidRequest, Unavailable, cut
from pba.security.calls import PUBLIC
from pba.serving.model_inference import Tensor

from ...inference_tensors import DATATYPE, EXTENSIONS, PLATFORM, SERVER_NAME, SERVER_VERSION
from ...large_requests import read_request
from ..http import body_of, json_response, services_of
from ..inference_bodies import HEADER_LENGTH, read_inference, write_inference
from ..inference_models import (
    InferenceErrorResponse,
    InferenceRequest,
    InferenceResponse,
    LiveResponse,
    ModelMetadataResponse,
    ModelReadyResponse,
    ReadyResponse,
    ServerMetadataResponse,
)
from ..openapi import describe_call
from ..parameters import ModelVersion, ModeName

__all__ = ["router"]

_GET = (404, 422, 503)

_SMALL = 8
"""Writing the outputs of so many windows as JSON takes a millisecond."""

_BODY_MB = 4.0
"""Over twice what the largest call takes; msgspec decodes it as a whole."""

router = APIRouter(tags=["inference"])


_describe = partial(describe_call, error=InferenceErrorResponse)


@router.get("/v2", **_describe("model_metadata", ServerMetadataResponse))
async def get_server() -> Response:
    """Return name, version and extensions of the service."""
    return json_response({"name": SERVER_NAME, "version": SERVER_VERSION, "extensions": EXTENSIONS})


@router.get("/v2/health/live", **_describe(PUBLIC, LiveResponse))
async def get_live() -> Response:
    """Return that the process is up."""
    return json_response({"live": True})


@router.get("/v2/health/ready", **_describe(PUBLIC, ReadyResponse, statuses=(503,)))
async def get_ready(request: Request) -> Response:
    """Return that models and store answer; 503 otherwise."""
    if await services_of(request).problems():
        raise Unavailable("not ready; /readyz says why to callers with a key.")
    return json_response({"ready": True})


@router.get(
    "/v2/models/{mode}", **_describe("model_metadata", ModelMetadataResponse, statuses=_GET)
)
async def get_model(request: Request, mode: ModeName) -> Response:
    """Return the loaded version of a model, its input and its outputs."""
    return await _metadata(request, mode)


@router.get(
    "/v2/models/{mode}/versions/{version}",
    **_describe("model_metadata", ModelMetadataResponse, statuses=_GET),
)
async def get_model_version(request: Request, mode: ModeName, version: ModelVersion) -> Response:
    """Return the same of a version, which has to be loaded."""
    return await _metadata(request, mode, version)


@router.get(
    "/v2/models/{mode}/ready", **_describe("model_metadata", ModelReadyResponse, statuses=_GET)
)
async def get_model_ready(request: Request, mode: ModeName) -> Response:
    """Return that a model answers; 503 otherwise."""
    return await _ready(request, mode)


@router.get(
    "/v2/models/{mode}/versions/{version}/ready",
    **_describe("model_metadata", ModelReadyResponse, statuses=_GET),
)
async def get_version_ready(request: Request, mode: ModeName, version: ModelVersion) -> Response:
    """Return that a version is loaded and answers; 404 or 503 otherwise."""
    return await _ready(request, mode, version)


@router.post(
    "/v2/models/{mode}/infer",
    **_describe("infer", InferenceResponse, InferenceRequest, statuses=(404, 503)),
)
async def post_infer(request: Request, mode: ModeName) -> Response:
    """Run a model on windows of telemetry, with nothing around it."""
    return await _infer(request, mode)


@router.post(
    "/v2/models/{mode}/versions/{version}/infer",
    **_describe("infer", InferenceResponse, InferenceRequest, statuses=(404, 503)),
)
async def post_version_infer(request: Request, mode: ModeName, version: ModelVersion) -> Response:
    """Run a version of a model, which has to be loaded, on windows of telemetry."""
    return await _infer(request, mode, version)


async def _metadata(request: Request, mode: str, version: str = "") -> Response:
    model = await services_of(request).inference.loaded(mode, version)
    return json_response(
        {
            "name": model.name,
            "versions": [model.version],
            "platform": PLATFORM,
            "inputs": [_tensor(model.input)],
            "outputs": [_tensor(output) for output in model.outputs],
        }
    )


async def _ready(request: Request, mode: str, version: str = "") -> Response:
    model = await services_of(request).inference.loaded(mode, version)
    return json_response({"name": model.name, "ready": True})


async def _infer(request: Request, mode: str, version: str = "") -> Response:
    services, body = services_of(request), await body_of(request, _BODY_MB)
    with services.plane.admit("infer"):
        call = await read_request(services.plane, read_inference, body, _json_bytes(request, body))
        output = await services.inference.infer(mode, version, call.telemetry)
        write = partial(write_inference, mode, call)
        if len(call.telemetry) <= _SMALL:
            return write(output)
        return await services.plane.pools.forecasts(partial(write, output))


def _json_bytes(request: Request, body: bytes | bytearray) -> int | None:
    """Return how many bytes of ``body`` are JSON, None for all."""
    length = request.headers.get(HEADER_LENGTH)
    if length is None:
        return None
    if not (length.isdecimal() and len(length) < 19 and int(length) <= len(body)):
        raise InvalidRequest(
            f"{HEADER_LENGTH} is {cut(length)}; it is the length of the JSON, of the {len(body)} "
            "bytes of the body.",
            HEADER_LENGTH,
        )
    return int(length)


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {"name": tensor.name, "datatype": DATATYPE, "shape": list(tensor.shape)}
