"""From a body of the Open Inference Protocol to an input, and from outputs to a response.

With the extension for binary tensors, values follow the JSON of request or response as bytes, and a
header has the length of the JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Response
from pydantic_core import to_json

from pba.errors import InvalidRequest, cut
from pba.forecasting import ModelOutput
from pba.serving.model_inference import INPUT
from pba.types import Floats

from ..inference_tensors import DATATYPE, check_input, outputs_of, tensor_rows
from .body_decoding import read_document
from .inference_models import InferenceRequest, InputTensor

__all__ = ["HEADER_LENGTH", "InferenceCall", "read_inference", "write_inference"]

HEADER_LENGTH = "Inference-Header-Content-Length"
"""The header with the length of the JSON in front of binary tensors."""

_BINARY = "application/octet-stream"
_SIZE = "binary_data_size"
_UNSUPPORTED = ("classification", "shared_memory_region")


@dataclass(frozen=True, slots=True, eq=False)
class InferenceCall:
    """What a caller wants computed.

    Parameters
    ----------
    id
        Returned as it is.
    telemetry
        The input, in the shape that the caller gives it.
    outputs
        The outputs to return, empty for all, each with whether its values are to be bytes.
    is_binary
        The same for outputs that are not named.
    """

    id: str
    telemetry: Floats
    outputs: Mapping[str, bool]
    is_binary: bool = False


def read_inference(body: bytes | bytearray, json_bytes: int | None) -> InferenceCall:
    """Return the call in ``body``, of which the first ``json_bytes`` are JSON, or all.

    Raises
    ------
    NotJson, InvalidRequest
        For the first fault of form.
    InvalidInput
        As `tensor_rows`.
    """
    if json_bytes is None:
        text, rest = body, memoryview(b"")
    else:
        text, rest = body[:json_bytes], memoryview(body)[json_bytes:]
    request = read_document(text, InferenceRequest)
    check_input(
        [tensor.name for tensor in request.inputs], [tensor.datatype for tensor in request.inputs]
    )
    (tensor,) = request.inputs
    is_binary = request.parameters.get("binary_data_output") is True
    outputs = {}
    for output in request.outputs:
        for name in _UNSUPPORTED:
            if name in output.parameters:
                raise InvalidRequest(
                    f"{name} is no extension of this service. Leave it out.", "outputs"
                )
        outputs[output.name] = output.parameters.get("binary_data", is_binary) is True
    telemetry = tensor_rows(_values(tensor, rest), tensor.shape)
    return InferenceCall(request.id, telemetry, outputs, is_binary)


def _values(tensor: InputTensor, rest: memoryview) -> Any:
    """Return the values of ``tensor``, in its JSON or in the bytes ``rest`` behind all JSON."""
    size = tensor.parameters.get(_SIZE)
    if size is None and not rest:
        return tensor.data
    if size != len(rest) or tensor.data is not None:
        raise InvalidRequest(
            f"{INPUT} has {_SIZE} {cut(repr(size))}, and {len(rest)} bytes follow the JSON. Both "
            f"are the same with binary data, and then `data` is left out; {HEADER_LENGTH} is the "
            "length of the JSON.",
            "inputs",
        )
    return rest


def write_inference(model: str, call: InferenceCall, output: ModelOutput) -> Response:
    """Return the response to ``call`` of ``model``."""
    described, binary = [], []
    for name, values in outputs_of(output, call.outputs).items():
        tensor = {"name": name, "datatype": DATATYPE, "shape": list(values.shape)}
        if call.outputs.get(name, call.is_binary):
            binary.append(values.tobytes())
            described.append({**tensor, "parameters": {_SIZE: len(binary[-1])}})
        else:
            described.append({**tensor, "data": values.ravel().tolist()})
    document = {"model_name": model, "model_version": output.version, "outputs": described}
    text = to_json({"id": call.id, **document} if call.id else document, inf_nan_mode="null")
    if not binary:
        return Response(text, media_type="application/json")
    headers = {HEADER_LENGTH: str(len(text))}
    return Response(b"".join([text, *binary]), headers=headers, media_type=_BINARY)
