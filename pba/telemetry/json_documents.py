"""JSON as tools write it: one document, several after another, or a line each, with error lines."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from pba.errors import InvalidTrace
from pba.telemetry.read_report import Fault, ReadReport, shortened
from pba.telemetry.trace_source import TraceSource

__all__ = ["documents", "items", "number", "text"]

_NOT_JSON = Fault("the line", "it is JSON, whole", "Remove the line.")
_DECODER = json.JSONDecoder()


def documents(source: TraceSource, report: ReadReport) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the place and the content of each JSON object; the items of an array one by one.

    What is not JSON, or cut, is counted.

    Raises
    ------
    InvalidTrace
        If there is no document.
    """
    content, position, count = source.text, 0, 0
    while position < len(content):
        start = position + len(content[position:]) - len(content[position:].lstrip())
        if start >= len(content):
            break
        place = f"line {content.count(chr(10), 0, start) + 1}"
        try:
            document, position = _DECODER.raw_decode(content, start)
        except (ValueError, RecursionError):  # not JSON, or a number or depth beyond limits
            line = content[start : content.find("\n", start) if "\n" in content[start:] else None]
            report.add(_NOT_JSON, [(place, repr(shortened(line)))])
            position = _next_document(content, start)
            continue
        for item in document if isinstance(document, list) else [document]:
            if isinstance(item, dict):
                count += 1
                yield place, item
    if not count:
        raise InvalidTrace(
            f"{source.path} holds no whole JSON document; it is cut or no JSON. Write it again."
        )


def _next_document(content: str, start: int) -> int:
    """Return where the next line begins that may begin a document."""
    line = content.find("\n", start)
    while 0 <= line < len(content) - 1 and content[line + 1] not in "{[":
        line = content.find("\n", line + 1)
    return len(content) if line < 0 else line + 1


def _value(document: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def number(document: Any, *path: str) -> float:
    """Return the number at ``path``, NaN if there is none.

    >>> number({"ping": {"jitter": 2}}, "ping", "jitter"), number({"ping": "x"}, "ping", "jitter")
    (2.0, nan)
    """
    value = _value(document, path)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return np.nan
    try:
        return float(value)
    except OverflowError:
        return np.inf


def text(document: Any, *path: str) -> str:
    """Return the text at ``path``, empty if there is none."""
    value = _value(document, path)
    return value if isinstance(value, str) else ""


def items(document: Any, *path: str) -> list[Any]:
    """Return the list at ``path``, empty if there is none."""
    value = _value(document, path)
    return value if isinstance(value, list) else []
