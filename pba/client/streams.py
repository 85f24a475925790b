"""What both clients know of server-sent events."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from pba.client.event_decoder import ServerEvent
from pba.errors import Unavailable, from_body

__all__ = ["PAUSE_S", "headers", "is_stream", "read", "timeout"]

PAUSE_S = 0.1
"""Between the end of a stream and the next, so that a service that ends each at once is spared."""

_UNREADABLE = (AttributeError, LookupError, TypeError, ValueError)
_SILENCE_S = 45.0  # the service sends something every 15 s

T = TypeVar("T")


def headers(last_id: str) -> dict[str, str]:
    """Return the headers that open a stream after the event with ``last_id``, empty for none."""
    accepted = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    return {**accepted, "Last-Event-ID": last_id} if last_id else accepted


def timeout(usual: httpx.Timeout) -> httpx.Timeout:
    """Return how long to wait: as ``usual`` for a connection, longer for what follows."""
    read_s = _SILENCE_S if usual.read is None else max(usual.read, _SILENCE_S)
    return httpx.Timeout(connect=usual.connect, read=read_s, write=usual.write, pool=usual.pool)


def is_stream(response: httpx.Response) -> bool:
    """Whether ``response`` carries server-sent events."""
    kind, _, _ = response.headers.get("content-type", "").partition(";")
    return bool(kind.strip().lower() == "text/event-stream")


def read(message: ServerEvent, parse: Callable[[Any], T]) -> T:
    """Return ``parse`` of what an event carries.

    Raises
    ------
    PBAError
        The error that the service sent in its place; `Unavailable` where the event is not as the
        service sends it.
    """
    try:
        body = json.loads(message.data)
        if message.kind != "error":
            return parse(body)
        error = from_body(body)
    except _UNREADABLE as cause:
        raise Unavailable(
            f"the stream has an event that PBA does not send: {message.data[:200]!r}. Check the "
            "address and what lies in between."
        ) from cause
    raise error
