"""How many gRPC messages are taken in at a time, and how long one may take to arrive.

A server would else assemble one message for every call that arrives, up to the largest each.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

from pba.errors import InvalidRequest, TooLarge, TooSlow
from pba.serving.admission import Admission

from .access_control import METHODS
from .call_status import complete
from .message_parsing import parse_message
from .message_streams import open_stream

__all__ = ["MessagePlaces"]

_WAITING = 1024
_STREAMED_BYTES = 1_000_000
_Call = Callable[[Any, grpc.aio.ServicerContext], Awaitable[Any]]
_Stream = Callable[[Any, grpc.aio.ServicerContext], AsyncIterator[Any]]
_Parse = Callable[[bytes], Any]


class MessagePlaces(grpc.aio.ServerInterceptor):
    """Has calls with one request receive their message in one of ``places``.

    The call itself, once its message is in, needs none. To the caller nothing changes: on the wire
    a single message is a stream of one.

    Parameters
    ----------
    places
        How many messages are received at a time; further calls wait, and too many are refused.
    patience_s
        How long a message may take to arrive.
    limit
        The most items of a bulk call.
    """

    def __init__(self, places: int, patience_s: float, limit: int) -> None:
        self._places = asyncio.Semaphore(places)
        self._waiting = Admission(_WAITING, "messages")
        self._patience_s = patience_s
        self._limit = limit

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """Return the handler of a call; called by gRPC."""
        handler = await continuation(details)
        if handler is None or (handler.request_streaming and details.method not in METHODS):
            return handler
        if handler.request_streaming:
            return grpc.stream_stream_rpc_method_handler(
                self._parsing(handler.stream_stream, handler.request_deserializer, details.method),
                None,
                handler.response_serializer,
            )
        if handler.response_streaming:
            return grpc.stream_stream_rpc_method_handler(
                self._streaming(handler.unary_stream, handler.request_deserializer, details.method),
                None,
                handler.response_serializer,
            )
        return grpc.stream_unary_rpc_method_handler(
            self._with_message(handler.unary_unary, handler.request_deserializer, details.method),
            None,  # the message is looked at before it is parsed
            handler.response_serializer,
        )

    def _with_message(self, call: _Call, parse: _Parse, path: str) -> Callable[..., Awaitable[Any]]:
        async def answer(messages: AsyncIterator[bytes], context: grpc.aio.ServicerContext) -> Any:
            message = await complete(self._parsed(messages, parse, path), context)
            return await call(message, context)

        return answer

    def _streaming(self, call: _Stream, parse: _Parse, path: str) -> _Stream:
        async def answer(
            messages: AsyncIterator[bytes], context: grpc.aio.ServicerContext
        ) -> AsyncIterator[Any]:
            message = await complete(self._parsed(messages, parse, path), context)
            async for response in call(message, context):
                yield response

        return answer

    def _parsing(self, call: _Stream, parse: _Parse, path: str) -> _Stream:
        async def parsed(messages: AsyncIterator[bytes]) -> AsyncIterator[Any]:
            async with open_stream(messages) as stream:
                async for data in stream:
                    _check_streamed(data)
                    yield await parse_message(data, parse, path.rpartition("/")[2], self._limit)

        async def answer(
            messages: AsyncIterator[bytes], context: grpc.aio.ServicerContext
        ) -> AsyncIterator[Any]:
            async for response in call(parsed(messages), context):
                yield response

        return answer

    async def _parsed(self, messages: AsyncIterator[bytes], parse: _Parse, path: str) -> Any:
        data = await self._receive(messages)
        return await parse_message(data, parse, path.rpartition("/")[2], self._limit)

    async def _receive(self, messages: AsyncIterator[bytes]) -> bytes:
        with self._waiting.admit():
            async with self._places:
                try:
                    async with open_stream(messages) as stream, asyncio.timeout(self._patience_s):
                        return await anext(stream)
                except StopAsyncIteration:  # the caller is gone, or its message is too large
                    raise InvalidRequest("the call has no message. Send one.") from None
                except TimeoutError:
                    raise TooSlow(
                        f"the message has not arrived within {self._patience_s:g} s. Send less at "
                        "a time, or faster."
                    ) from None


def _check_streamed(data: bytes) -> None:
    """Refuse a large message of a stream, which has several at a time and no place to wait in."""
    if len(data) > _STREAMED_BYTES:
        raise TooLarge(
            f"a message of the stream has {len(data)} bytes; each has at most {_STREAMED_BYTES}. "
            "Send fewer histories in each."
        )
