"""The one input and the outputs of the raw models, whatever protocol carries them."""

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from pba.errors import InvalidInput, InvalidRequest, cut
from pba.forecasting import ModelOutput
from pba.serving.model_inference import INPUT, OUTPUTS
from pba.types import Floats

__all__ = [
    "DATATYPE",
    "EXTENSIONS",
    "PLATFORM",
    "SERVER_NAME",
    "SERVER_VERSION",
    "check_input",
    "outputs_of",
    "tensor_rows",
]

DATATYPE = "FP32"
"""The type of every tensor."""

PLATFORM = "onnxruntime_onnx"
"""What runs the models, in the words of Triton."""

SERVER_NAME, SERVER_VERSION, EXTENSIONS = "pba", "3", ("binary_tensor_data",)
"""What the service calls itself, and what it has beyond the protocol."""

_FLOAT = np.dtype("<f4")
_MOST_SIZES, _LARGEST = 8, 1 << 31


def check_input(names: Sequence[str], datatypes: Sequence[str]) -> None:
    """Check that a request has the one input, in its type; raises `InvalidRequest`."""
    if list(names) != [INPUT]:
        shown = ", ".join(map(cut, names[:5])) or "none"
        raise InvalidRequest(f"the inputs are {shown}; the one input is {INPUT}.", "inputs")
    if datatypes[0] != DATATYPE:
        raise InvalidRequest(
            f"{INPUT} has datatype {cut(datatypes[0])}; it is {DATATYPE}.", "datatype"
        )


def tensor_rows(values: Any, shape: Sequence[int]) -> Floats:
    """Return the tensor of ``shape`` with ``values``: numbers or None, nested or not, or bytes.

    Raises
    ------
    InvalidInput
        If there are not as many, or others.
    """
    count = _count(shape)
    if isinstance(values, bytes | memoryview):
        if len(values) != _FLOAT.itemsize * count:
            raise _count_error(f"{len(values)} bytes", shape)
        return np.frombuffer(values, _FLOAT).reshape(shape)
    flat = values
    while isinstance(flat, list) and flat and all(isinstance(part, list) for part in flat):
        flat = [number for part in flat for number in part]
    if not isinstance(flat, list) or not all(_is_number(number) for number in flat):
        raise InvalidInput(f"data of {INPUT} is a list of numbers and nulls. Send that.", "data")
    if len(flat) != count:
        raise _count_error(f"{len(flat)} values", shape)
    try:
        numbers = np.array(flat, dtype=np.float64)
    except OverflowError:
        raise InvalidInput(f"a value of {INPUT} is over 1.8e308. Leave it out.", "data") from None
    with np.errstate(over="ignore"):  # it becomes infinite, as in the client's own conversion
        return numbers.astype(_FLOAT).reshape(shape)


def _count(shape: Sequence[int]) -> int:
    """Return how many values a tensor of ``shape`` has; long or large ones are never multiplied."""
    if not 1 <= len(shape) <= _MOST_SIZES or not all(0 < size <= _LARGEST for size in shape):
        raise InvalidInput(
            f"the shape of {INPUT} is {cut(str(list(shape[: _MOST_SIZES + 1])))}; it has one to "
            f"{_MOST_SIZES} sizes, which are positive.",
            "shape",
        )
    return math.prod(shape)


def _is_number(value: Any) -> bool:
    return value is None or type(value) in (int, float)


def _count_error(count: str, shape: Sequence[int]) -> InvalidInput:
    return InvalidInput(
        f"{INPUT} has {count}; its shape {cut(str(list(shape)))} is of {math.prod(shape)} values "
        "of 4 bytes.",
        "data",
    )


def outputs_of(output: ModelOutput, names: Collection[str]) -> dict[str, Floats]:
    """Return the outputs with these names, or all, as little-endian 32-bit floats.

    Raises
    ------
    InvalidRequest
        For a name that is none of an output.
    """
    values = {name: getattr(output.prediction, name) for name in OUTPUTS}
    known = [name for name, value in values.items() if value is not None]
    for name in names:
        if name not in known:
            raise InvalidRequest(
                f"{cut(name)} is no output; there are {', '.join(known)}.", "outputs"
            )
    return {name: np.ascontiguousarray(values[name], dtype=_FLOAT) for name in names or known}
