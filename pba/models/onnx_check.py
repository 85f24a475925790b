"""What an ONNX file may hold, looked at before ONNX Runtime sees any of it.

A file in the registry is data from elsewhere. It may use the operators of the ONNX standard alone:
others are code of a library that somebody would have to load. Its values are in the file itself: a
tensor that names another file could have the service read any.

The file is a message of Protocol Buffers, of which a few fields matter here. They are read as they
lie there, without a copy: https://protobuf.dev/programming-guides/encoding and onnx.proto.
"""

from collections.abc import Iterator, Mapping

from pba.errors import BadArtifact

__all__ = ["MAX_BYTES", "check_model"]

MAX_BYTES = 64_000_000
"""The largest ONNX file; the shipped ones have under 2 MB."""

_DOMAINS = (b"", b"ai.onnx", b"ai.onnx.ml")
_DEEPEST = 32
_EXTERNAL = 1
_IDENTIFIER = slice(4, 8)  # by which ONNX Runtime takes a file for one of its own format

# Fields that hold messages, by the message that they are in: their kind by their number.
_INSIDE: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 8: "operator set", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor",
                  23: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
}  # fmt: skip
_DOMAIN_FIELDS = {"operator set": 1, "node": 7}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14


def check_model(model: bytes) -> None:
    """Check the content of an ONNX file.

    Raises
    ------
    BadArtifact
        If it is too large, is no message or of another format, uses operators beside the
        standard's, or refers to another file.
    """
    if len(model) > MAX_BYTES:
        raise BadArtifact(
            f"the ONNX file has {len(model)} bytes; it has at most {MAX_BYTES}. Export a smaller "
            "model with `python -m train`."
        )
    if model[_IDENTIFIER] == b"ORTM":
        raise BadArtifact(
            "the file is in ONNX Runtime's own format; a model is an ONNX file. Export it again "
            "with `python -m train`."
        )
    try:
        _check("model", memoryview(model), 0)
    except ValueError as error:
        raise BadArtifact(
            f"the {len(model)} bytes given are no ONNX file: {error}. Copy the model again."
        ) from None


def _check(kind: str, message: memoryview, depth: int) -> None:
    if depth > _DEEPEST:
        raise BadArtifact(f"the ONNX file has messages more than {_DEEPEST} deep. Export it again.")
    if kind == "function":
        raise BadArtifact(
            "the ONNX file defines operators of its own; a model uses those of the ONNX standard. "
            "Export it again with `python -m train`."
        )
    inside = _INSIDE.get(kind, {})
    for number, value in _fields(message):
        if isinstance(value, int):
            if (kind, number, value) == ("tensor", _DATA_LOCATION, _EXTERNAL):
                raise _external()
        elif number in inside:
            _check(inside[number], value, depth + 1)
        elif number == _DOMAIN_FIELDS.get(kind) and bytes(value[:50]) not in _DOMAINS:
            raise BadArtifact(
                f"the ONNX file uses operators of {bytes(value[:50])!r}; a model uses those of "
                "ai.onnx and ai.onnx.ml. Export it again with `python -m train`."
            )
        elif (kind, number) == ("tensor", _EXTERNAL_DATA):
            raise _external()


def _external() -> BadArtifact:
    return BadArtifact(
        "the ONNX file has values in another file; a model is one file. Export it again with "
        "`python -m train`."
    )


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the number and the value of each field; raises `ValueError` for what is no message."""
    place, end = 0, len(message)
    while place < end:
        tag, place = _varint(message, place)
        number, wire_type = tag >> 3, tag & 7
        value: int | memoryview = 0
        if wire_type == 0:
            value, place = _varint(message, place)
        else:
            length = {1: 8, 5: 4}.get(wire_type)
            if wire_type == 2:
                length, place = _varint(message, place)
            if length is None or number == 0 or place + length > end:
                raise ValueError(f"field {number} of type {wire_type} is not whole")
            if wire_type == 2:
                value = message[place : place + length]
            place += length
        yield number, value


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """Return the number at ``place``, and the place behind it."""
    result = 0
    for index, byte in enumerate(message[place : place + 10]):
        result |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return result, place + index + 1
    raise ValueError("a number is not whole")
