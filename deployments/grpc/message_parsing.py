"""From the bytes of a gRPC message to the message, unless it would take far more memory than they.

A sample of two bytes, which is empty, takes some eighty when it is parsed. Four million of them fit
8 MB.
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from google.protobuf.message import DecodeError

from pba.errors import InvalidRequest, TooLarge

__all__ = ["parse_message"]

_LIST_TAG = 0x0A  # field 1, a message: `history`, `requests` and `samples` are that
_SHORT_BYTES = 6  # of a sample or a request; the shortest that is faultless has 18
_BYTES_PER_SHORT = 8
_MOST_SHORT = 10_000  # faults that are answered one by one

_Message = TypeVar("_Message")


def parse_message(data: bytes, parse: Callable[[bytes], _Message]) -> _Message:
    """Return the message in ``data``.

    Raises
    ------
    TooLarge
        If it consists of items that are too short to be anything.
    InvalidRequest
        If it is no message of that type.
    """
    short = _short_items(data)
    if short > max(_MOST_SHORT, len(data) // _BYTES_PER_SHORT):
        raise TooLarge(
            f"the message has about {short} items of less than {_SHORT_BYTES} bytes, which can be "
            "neither samples nor requests. Leave them out."
        )
    try:
        return parse(data)
    except DecodeError:
        raise InvalidRequest(
            "the message is not as pba.proto says. Generate the client from that file; reflection "
            "gives it too."
        ) from None


def _short_items(data: bytes) -> int:
    """Return about how many items of lists in ``data`` are short; at once a few milliseconds."""
    text = np.frombuffer(data, np.uint8)
    return int(np.count_nonzero((text[:-1] == _LIST_TAG) & (text[1:] < _SHORT_BYTES)))
