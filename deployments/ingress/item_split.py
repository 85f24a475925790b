"""The items of a very large JSON list, found in pieces.

A decoder holds the interpreter's lock from the first byte to the last. Here numpy looks at a
quarter of a megabyte at a time, and others have their turn between.
"""

import re
from collections.abc import Iterator

import msgspec
import numpy as np
import numpy.typing as npt

__all__ = ["split_items"]

_PIECE_BYTES = 1 << 18
_QUOTE, _BACKSLASH, _COMMA = b'"\\,'
_DEPTH = np.zeros(256, np.int8)
_DEPTH[[ord("["), ord("{")]] = 1
_DEPTH[[ord("]"), ord("}")]] = -1


def split_items(body: bytes | bytearray, name: str, most: int) -> list[msgspec.Raw] | None:
    """Return the items of the list ``name``, the only field of the object ``body``, undecoded.

    At most ``most`` + 1 of them: the rest is not looked at. None if ``body`` does not begin and end
    as such an object; what is between is not checked, so an item need not be JSON.
    """
    head = re.match(rb'\s*{\s*"%s"\s*:\s*\[\s*' % re.escape(name.encode()), body)
    tail = re.search(rb"\s*\]\s*}\s*\Z", body[-_PIECE_BYTES:])
    if head is None or tail is None:
        return None
    end = len(body) - min(len(body), _PIECE_BYTES) + tail.start()
    view, start, items = memoryview(body), head.end(), []
    for comma in _outer_commas(np.frombuffer(body, np.uint8)[start:end]):
        items.append(msgspec.Raw(view[start : head.end() + comma]))
        start = head.end() + comma + 1
        if len(items) > most:
            return items
    if start < end or items:
        items.append(msgspec.Raw(view[start:end]))
    return items


def _outer_commas(text: npt.NDArray[np.uint8]) -> Iterator[int]:
    """Yield the places of the commas outside strings, lists and objects."""
    depth, in_string, escaped = 0, False, False
    for first in range(0, len(text), _PIECE_BYTES):
        piece = text[first : first + _PIECE_BYTES]
        quotes = piece == _QUOTE
        if escaped or (piece == _BACKSLASH).any():
            escapes, escaped = _escaped(piece, escaped)
            quotes &= ~escapes
        inside = (np.cumsum(quotes, dtype=np.int32) + in_string) & 1
        in_string = bool(inside[-1])
        steps = np.where(inside, 0, _DEPTH[piece])
        depths = np.cumsum(steps, dtype=np.int32) + depth
        depth = int(depths[-1])
        commas = (piece == _COMMA) & (inside == 0) & (depths == 0)
        yield from (first + np.flatnonzero(commas)).tolist()


def _escaped(piece: npt.NDArray[np.uint8], first: bool) -> tuple[npt.NDArray[np.bool_], bool]:
    """Return which bytes follow an escaping backslash, and whether the next piece begins so."""
    escaped = np.zeros(len(piece) + 1, bool)
    escaped[0] = first
    for place in np.flatnonzero(piece == _BACKSLASH).tolist():
        escaped[place + 1] = not escaped[place]
    return escaped[:-1], bool(escaped[-1])
