"""Large requests are read, and their answers written, in threads: the event loop answers others.

Reading takes about 10 ms a megabyte. msgspec holds the interpreter's lock while it decodes, at most
15 ms (`ingress.body_decoding`); the loop has its turn between that and the rest. Writing takes
about 60 µs a forecast.
"""

from collections.abc import Callable, Mapping, Sequence, Sized
from functools import partial
from typing import Any, TypeVar

from google.protobuf.message import Message

from pba.serving.data_plane import DataPlane
from pba.serving.tracing import span

__all__ = ["LARGE_BYTES", "LARGE_ROWS", "read_request", "write_answer"]

LARGE_BYTES = 256_000
"""A body of this size takes a few milliseconds: as long as a lone forecast."""

LARGE_ROWS = 2000
"""As many samples as Python objects take about as long."""

_ROWS_OF = {"requests": 60, "samples": 1}  # about how many samples are in an item of a list

_LARGE_ANSWER = 32
"""Writing so many forecasts takes about two milliseconds."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


async def read_request(
    plane: DataPlane,
    reader: Callable[..., _Result],
    request: bytes | bytearray | Message | Mapping[str, Any],
    *inputs: Any,
) -> _Result:
    """Return ``reader(request, *inputs)``, from a thread of ``plane`` if the request is large."""
    with span("read"):
        if _is_large(request):
            return await plane.pools.bodies(partial(reader, request, *inputs))
        return reader(request, *inputs)


async def write_answer(
    plane: DataPlane, writer: Callable[[Sequence[_Item]], _Result], items: Sequence[_Item]
) -> _Result:
    """Return ``writer(items)``, from a thread of ``plane`` if there are many items."""
    if len(items) > _LARGE_ANSWER:
        return await plane.pools.forecasts(partial(writer, items))
    return writer(items)


def _is_large(request: bytes | bytearray | Message | Mapping[str, Any]) -> bool:
    if isinstance(request, bytes | bytearray):
        return len(request) >= LARGE_BYTES
    if isinstance(request, Message):
        return bool(request.ByteSize() >= LARGE_BYTES)
    lists = ((request.get(name), rows) for name, rows in _ROWS_OF.items())
    return any(isinstance(one, Sized) and len(one) * rows >= LARGE_ROWS for one, rows in lists)
