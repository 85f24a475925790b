"""From the bytes of a gRPC message to the message, unless it would take far more memory than they.

An empty sample of two bytes takes eighty when it is parsed, and one with an unknown field more. The
items of a message are therefore counted before.
"""

import asyncio
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TypeVar

import numpy as np
from google.protobuf.message import DecodeError, Message

from pba.errors import InvalidRequest, TooLarge

from . import pba_pb2 as pb

__all__ = ["parse_message", "refuse_unknown_fields"]

_BULK = {
    "ForecastBatch": "requests",
    "ForecastStream": "requests",
    "LinkForecasts": "link_ids",
    "Observe": "samples",
    "Transfers": "requests",
    "Watch": "link_ids",
}
"""The calls with many items, and the name of these, which are field 1."""

_HISTORIES = {
    "Forecast": False,
    "ForecastBatch": True,
    "ForecastStream": True,
    "Transfer": False,
    "Transfers": True,
}
"""The calls with histories, and whether each item has one."""

_ITEM_TAG = 0x0A  # field 1, of a length: `history`, `requests`, `samples` and `link_ids` are that
_SAMPLE_BYTES = pb.Sample(timestamp_s=1.0, bandwidth_mbps=1.0).ByteSize()  # the least there is
_MOST_SHORT = 10_000  # faults that are answered one by one
_BYTES_PER_SHORT = 40
_MOST_OTHERS = 1000
_FIRST_ITEMS = 1000
_LARGE_BYTES = 1_000_000

_Message = TypeVar("_Message", bound=Message)


async def parse_message(
    data: bytes, parse: Callable[[bytes], _Message], method: str, limit: int
) -> _Message:
    """Return the message in ``data``.

    Parameters
    ----------
    method
        The name of the call, without that of its service.
    limit
        The most items of a bulk call.

    Raises
    ------
    TooLarge
        For more items, or very many samples that are too short to be any.
    InvalidRequest
        If it is no message of that type.
    """
    if name := _BULK.get(method):
        _check_count(data, name, limit)
    if len(data) > _LARGE_BYTES and method not in {*_BULK, *_HISTORIES}:
        raise TooLarge(
            f"the message has {len(data)} bytes; a call of {method} has at most {_LARGE_BYTES}. "
            "Send less."
        )
    if len(data) > _LARGE_BYTES:
        refuse_unknown_fields(_parse(data[: _end_of_first(data)], parse))
    in_items = _HISTORIES.get(method)
    if in_items is not None and _may_have_short(data):
        await asyncio.to_thread(_refuse_short, data, in_items)
    return _parse(data, parse)


def refuse_unknown_fields(message: Message) -> None:
    """Refuse fields of a newer or another proto: as over HTTP, nothing is silently ignored."""
    size = message.ByteSize()
    message.DiscardUnknownFields()  # type: ignore[no-untyped-call, unused-ignore]
    unknown = size - message.ByteSize()
    if unknown:
        raise InvalidRequest(
            f"{unknown} bytes of the request are of fields that are not in this service's "
            "pba.proto. Generate the client from that file; reflection gives it too."
        )


def _parse(data: bytes, parse: Callable[[bytes], _Message]) -> _Message:
    try:
        return parse(data)
    except DecodeError:
        raise InvalidRequest(
            "the message is not as pba.proto says. Generate the client from that file; reflection "
            "gives it too."
        ) from None


def _end_of_first(data: bytes) -> int:
    """Return where the first items end: a message too, whose faults cost little to find."""
    ends = [end for _, end in islice(_items(data, 0, len(data)), _FIRST_ITEMS)]
    return ends[-1] if ends else 0


def _check_count(data: bytes, name: str, limit: int) -> None:
    count = sum(1 for _ in islice(_items(data, 0, len(data)), 2 * limit))
    if count > limit:
        items = count if count < 2 * limit else f"{count} or more"
        raise TooLarge(
            f"{name} has {items} items; one call carries at most {limit}. Split it.", name
        )


def _may_have_short(data: bytes) -> bool:
    """Return whether very many samples may be too short, from what their beginnings look like."""
    text = np.frombuffer(data, np.uint8)
    likely = np.count_nonzero((text[:-1] == _ITEM_TAG) & (text[1:] < _SAMPLE_BYTES))
    return bool(likely > max(_MOST_SHORT, len(data) // _BYTES_PER_SHORT))


def _refuse_short(data: bytes, bulk: bool) -> None:
    """Refuse very many samples that are too short, in a request or in those of a bulk call."""
    lists = _items(data, 0, len(data)) if bulk else iter([(0, len(data))])
    count = 0
    for start, end in lists:
        for first, last in _items(data, start, end):
            count += last - first < _SAMPLE_BYTES
            if count > _MOST_SHORT:
                raise TooLarge(
                    f"over {_MOST_SHORT} samples of the message have less than {_SAMPLE_BYTES} "
                    "bytes, so they lack time or bandwidth. Leave them out."
                )


def _items(data: bytes, at: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the beginning and end of each message in field 1, up to what cannot be read.

    Raises
    ------
    InvalidRequest
        For many more fields than the messages of pba.proto have.
    """
    others = 0
    while at < end:
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 0:
            _, at = _varint(data, at)
        elif kind == 1:
            at += 8
        elif kind == 5:
            at += 4
        elif kind == 2:
            size, at = _varint(data, at)
            if tag == _ITEM_TAG:
                yield at, at + size
                others -= 1
            at += size
        else:
            return  # a group, which pba.proto has nowhere
        others += 1
        if others > _MOST_OTHERS:
            raise InvalidRequest(
                f"over {_MOST_OTHERS} fields of one message are not in this service's pba.proto. "
                "Generate the client from that file; reflection gives it too."
            )


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number at ``at`` and where it ends; beyond the end of ``data``, zeros."""
    value = shift = 0
    for byte in data[at : at + 10]:
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    return value, len(data)
