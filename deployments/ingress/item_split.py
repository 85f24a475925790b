"""The items of a large JSON list, found in pieces and counted before any is decoded.

A decoder holds the interpreter's lock from the first byte to the last. Here numpy looks at a
quarter of a megabyte at a time, and others have their turn between.
"""

import re
from collections.abc import Iterator

import msgspec
import numpy as np
import numpy.typing as npt

__all__ = ["split_items", "split_list"]

_PIECE_BYTES = 1 << 18
_AT_ONCE = 1 << 12  # commas, as Python's numbers: each takes more memory than a short item
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
    return _items(memoryview(body)[head.end() : end], most)


def split_list(text: bytes | memoryview, most: int) -> list[msgspec.Raw] | None:
    """Return the items of a list as `split_items`; ``text`` is JSON, None if it is no list."""
    view = memoryview(text)
    if not len(view) or view[0] != ord("["):
        return None
    inside = view[1:-1]
    return [] if not bytes(inside[:_PIECE_BYTES]).strip() else _items(inside, most)


def _items(view: memoryview, most: int) -> list[msgspec.Raw]:
    """Return what is between the commas of a list, at most ``most`` + 1 of it."""
    start, items = 0, []
    for comma in _outer_commas(np.frombuffer(view, np.uint8)):
        items.append(msgspec.Raw(view[start:comma]))
        start = comma + 1
        if len(items) > most:
            return items
    if start < len(view) or items:
        items.append(msgspec.Raw(view[start:]))
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
        places = first + np.flatnonzero(commas)
        for start in range(0, len(places), _AT_ONCE):
            yield from places[start : start + _AT_ONCE].tolist()


def _escaped(piece: npt.NDArray[np.uint8], first: bool) -> tuple[npt.NDArray[np.bool_], bool]:
    """Return which bytes follow an escaping backslash, and whether the next piece begins so."""
    escaped = np.zeros(len(piece) + 1, bool)
    escaped[0] = first
    for place in np.flatnonzero(piece == _BACKSLASH).tolist():
        escaped[place + 1] = not escaped[place]
    return escaped[:-1], bool(escaped[-1])
