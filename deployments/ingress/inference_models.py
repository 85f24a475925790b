"""Bodies of the Open Inference Protocol, version 2, in JSON, and what OpenAPI says of them."""

from typing import Annotated, Any

from msgspec import Meta, Struct
from pydantic import BaseModel, Field

__all__ = [
    "InferenceErrorResponse",
    "InferenceRequest",
    "InferenceResponse",
    "InputTensor",
    "LiveResponse",
    "ModelMetadataResponse",
    "ModelReadyResponse",
    "ReadyResponse",
    "RequestedOutput",
    "ServerMetadataResponse",
]

_Parameters = Annotated[
    dict[str, Any], Meta(description="of the extensions that GET /v2 lists; others are left out")
]
_DATA = (
    "numbers in row-major order, nested or not; null where a value was not measured. Left out if "
    "`parameters.binary_data_size` bytes follow the JSON."
)


class InputTensor(Struct, forbid_unknown_fields=True):
    """The one input: windows of telemetry."""

    name: Annotated[str, Meta(description="telemetry")]
    shape: Annotated[list[int], Meta(description="windows, samples, columns")]
    datatype: Annotated[str, Meta(description="FP32")]
    parameters: _Parameters = {}
    data: Annotated[Any, Meta(description=_DATA)] = None


class RequestedOutput(Struct, forbid_unknown_fields=True):
    """An output to return, with `parameters.binary_data` as bytes behind the JSON."""

    name: str
    parameters: _Parameters = {}


class InferenceRequest(Struct, forbid_unknown_fields=True):
    """What a model is to compute."""

    inputs: list[InputTensor]
    outputs: Annotated[list[RequestedOutput], Meta(description="none for all")] = []
    id: Annotated[str, Meta(max_length=200, description="returned as it is")] = ""
    parameters: _Parameters = {}


class TensorMetadata(BaseModel):
    """Name, type and shape of an input or output."""

    name: str
    datatype: str = Field(description="FP32")
    shape: list[int] = Field(description="-1 stands for any size")


class ModelMetadataResponse(BaseModel):
    """The loaded version of a model, its input and its outputs."""

    name: str
    versions: list[str] = Field(description="the loaded one")
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class OutputTensor(BaseModel):
    """One output."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, Any] | None = Field(None, description="binary_data_size, if binary")
    data: list[float | None] | None = Field(None, description="in row-major order; null for NaN")


class InferenceResponse(BaseModel):
    """What a model has computed, and which version of it."""

    id: str | None = Field(None, description="as in the request, if it had one")
    name: str = Field(alias="model_name")
    version: str = Field(alias="model_version")
    outputs: list[OutputTensor]


class ServerMetadataResponse(BaseModel):
    """Name, version and extensions of the service."""

    name: str
    version: str
    extensions: list[str]


class LiveResponse(BaseModel):
    """That the process is up."""

    live: bool


class ReadyResponse(BaseModel):
    """That models and store answer."""

    ready: bool


class ModelReadyResponse(BaseModel):
    """That a model answers."""

    name: str
    ready: bool


class InferenceErrorResponse(BaseModel):
    """Why a call failed, as text."""

    error: str
