"""Counting gRPC calls that are refused for who makes them."""

from collections.abc import Awaitable, Iterable
from typing import Any, TypeVar
from urllib.parse import unquote

import grpc

from pba.errors import Forbidden, Unauthenticated
from pba.serving.callers import Callers
from pba.serving.refusal_counter import RefusalCounter

from ..addresses import address_text

__all__ = ["RefusedCalls", "authorization_in"]

_Response = TypeVar("_Response")


class RefusedCalls:
    """Counts calls that end with `Unauthenticated` or `Forbidden`.

    Parameters
    ----------
    refusals
        Where they are counted.
    callers
        Knows whether a key that was sent exists.
    """

    def __init__(self, refusals: RefusalCounter, callers: Callers) -> None:
        self._refusals, self._callers = refusals, callers

    async def counted(
        self, response: Awaitable[_Response], context: grpc.aio.ServicerContext
    ) -> _Response:
        """Return the awaited ``response``; count its error, and raise it."""
        try:
            return await response
        except (Unauthenticated, Forbidden) as error:
            key_id = self._callers.known_id(authorization_in(context.invocation_metadata()))
            peer = unquote(context.peer() or "").partition(":")[2].rpartition(":")[0]
            address = address_text(peer.strip("[]"))
            self._refusals.count(address, key_id, isinstance(error, Forbidden))
            raise


def authorization_in(metadata: Iterable[Any] | None) -> str | None:
    """Return the value of ``authorization``; one that is there twice is none that is valid."""
    values = [
        value.decode("latin-1") if isinstance(value, bytes) else str(value)
        for name, value in metadata or ()
        if name == "authorization"
    ]
    return ",".join(values) if values else None
