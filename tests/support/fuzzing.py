"""How much is sent at random, and what no answer to it may do."""

import json
import logging
import os
import resource
from collections.abc import Iterator
from random import Random
from typing import Any
from urllib.parse import unquote

import pytest

REQUESTS = int(os.environ.get("PBA_FUZZ_REQUESTS", "0"))
"""How many requests and how many messages `make fuzz` sends; 0 in `make test`, which sends few."""

SEED = int(os.environ.get("PBA_FUZZ_SEED", "1"))
_ECHO = 50
_LONGEST = 2 * _ECHO + 4  # with spaces and quotes that are around a value in both by chance
_GROWTH_MB = 150
_LOG_BYTES_A_REQUEST = 100


def random_of(name: str) -> Random:
    """Return randomness that is the same in every run with the same `SEED`."""
    return Random(f"{SEED} {name}")


def count_of(few: int, kinds: int) -> int:
    """Return how many requests each of ``kinds`` gets."""
    return -(-REQUESTS // kinds) if REQUESTS else few


def assert_short_echo(message: str, *received: str | bytes) -> None:
    """Check that a message repeats at most 100 characters in a row of what was received."""
    texts = [
        text if isinstance(text, str) else text.decode("utf-8", "replace") for text in received
    ]
    for start in range(0, len(message) - _ECHO, _ECHO):
        piece = message[start : start + _ECHO + 1]
        for text in texts:
            if piece in text:
                assert _common(message, text, start) < _LONGEST, (message, text[:2000])


def _common(message: str, text: str, start: int) -> int:
    """Return the length of the longest part of ``message`` around ``start`` that is in ``text``."""
    first, last = start, start + _ECHO + 1
    while first and message[first - 1 : last] in text:
        first -= 1
    while last < len(message) and message[first : last + 1] in text:
        last += 1
    return last - first


def messages_in(document: Any) -> Iterator[str]:
    """Yield all messages and fields of errors in a response."""
    if isinstance(document, dict):
        error = document.get("error")
        if isinstance(error, dict):
            yield from (str(error[name]) for name in ("message", "field") if name in error)
        for value in document.values():
            yield from messages_in(value)
    elif isinstance(document, list):
        for value in document:
            yield from messages_in(value)


def request_texts(url: str, content: bytes | None, headers: dict[str, str]) -> list[str]:
    """Return what a request says, as it is sent and as it is read."""
    texts = [url, unquote(url, errors="replace"), *headers.values()]
    if content:
        text = content.decode("utf-8", "replace")
        texts.append(text)
        try:
            texts += _strings(json.loads(text))
        except (ValueError, RecursionError):
            return texts
    return texts


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


class _Count(logging.Handler):
    """Counts the characters of all that is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count a record with its fields."""
        self.size += len(str(record.__dict__))


class Bounds:
    """Checks that requests leave neither memory nor lines of the log behind.

    The first requests fill caches and pools; what counts is the growth after those.
    """

    def __init__(self) -> None:
        self._log = _Count()
        self._names = ("pba", "ray.serve", "ray")
        self._started_mb: float | None = None
        self.sent = 0
        for name in self._names:
            logging.getLogger(name).addHandler(self._log)

    def count(self) -> None:
        """Count one request."""
        self.sent += 1
        if self.sent == 2000:
            self._started_mb = _peak_mb()

    def check(self) -> None:
        """Check both, at the end."""
        for name in self._names:
            logging.getLogger(name).removeHandler(self._log)
        if self._started_mb is not None:
            grown_mb = _peak_mb() - self._started_mb
            assert grown_mb < _GROWTH_MB, f"{grown_mb:.0f} MB more after {self.sent} requests"
        logged = self._log.size / max(self.sent, 1)
        assert logged < _LOG_BYTES_A_REQUEST, f"{logged:.0f} characters of log a request"


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


@pytest.fixture
def bounds() -> Iterator[Bounds]:
    """Yield what counts requests, and check it afterwards."""
    counted = Bounds()
    yield counted
    counted.check()
