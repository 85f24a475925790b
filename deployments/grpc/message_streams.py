"""Streams of messages that are closed once they have been read."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

__all__ = ["open_stream"]

_Message = TypeVar("_Message")


@asynccontextmanager
async def open_stream(messages: AsyncIterator[_Message]) -> AsyncIterator[AsyncIterator[_Message]]:
    """Yield an iterator over ``messages``, and close it afterwards.

    gRPC's iterator refers to itself. Left open, it keeps its newest message until Python collects
    cycles, which may be minutes and many messages later.
    """
    iterator = aiter(messages)
    try:
        yield iterator
    finally:
        if isinstance(iterator, AsyncGenerator):
            await iterator.aclose()
