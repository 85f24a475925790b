"""The end of a call: its response, or the status and trailing metadata of an error."""

import logging
import re
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import aclosing
from typing import NoReturn, TypeVar

import grpc
from ray.serve.context import _set_request_context

from pba.errors import Busy, PBAError, StoreUnavailable, Unavailable

from ..error_codes import grpc_status
from .responses import error_detail, excerpt

__all__ = ["complete", "complete_stream"]

_log = logging.getLogger("ray.serve")
_REQUEST_ID = "x-request-id"
_CLEAN_ID = re.compile(r"[A-Za-z0-9._:@+=-]{1,100}")  # as in haproxy-with-errors.sh
_MAX_FORECAST_BYTES = 4000  # gRPC refuses metadata of more than 8 kB; base64 adds a third

_Response = TypeVar("_Response")
_Metadata = tuple[tuple[str, str | bytes], ...]


async def complete(response: Awaitable[_Response], context: grpc.aio.ServicerContext) -> _Response:
    """Return the awaited ``response``, or abort the call with the status of its error.

    Logs and trailing metadata carry the caller's ``x-request-id``, or a new one.
    """
    request_id = _begin(context)
    try:
        return await response
    except Exception as error:
        await _fail(context, error, request_id)


async def complete_stream(
    responses: AsyncGenerator[_Response, None], context: grpc.aio.ServicerContext
) -> AsyncIterator[_Response]:
    """Yield the ``responses``, or abort the call with the status of their error; as `complete`.

    They are closed when the call ends, also where the caller has left.
    """
    request_id = _begin(context)
    try:
        async with aclosing(responses) as stream:
            async for response in stream:
                yield response
    except Exception as error:
        await _fail(context, error, request_id)


def _begin(context: grpc.aio.ServicerContext) -> str:
    """Give a call its request id, and return it."""
    request_id = _request_id(context)
    _set_request_context(request_id=request_id)
    context.set_trailing_metadata(((_REQUEST_ID, request_id),))
    return request_id


async def _fail(context: grpc.aio.ServicerContext, error: Exception, request_id: str) -> NoReturn:
    """End a call with the status of ``error``; call it where that is handled."""
    if isinstance(error, PBAError):
        # Its frames hold the message until a collection. They are let go, not cleared: one may be
        # of a task that goes on with the work of others, and clearing it would end that task.
        error.__traceback__ = None
        await _abort(context, error, request_id)
    _log.exception("grpc_failed")
    message = f"{type(error).__name__} inside the service. Its log has the request id."
    await _abort(context, PBAError(message), request_id)


async def _abort(context: grpc.aio.ServicerContext, error: PBAError, request_id: str) -> NoReturn:
    metadata = ((_REQUEST_ID, request_id), *_metadata(error))
    await context.abort(grpc_status(error), str(error), metadata)
    raise AssertionError("abort raises")


def _metadata(error: PBAError) -> _Metadata:
    detail = error_detail(error)
    code = (("pba-error-code", detail.code),)
    field = (("pba-error-field", detail.field),) if detail.HasField("field") else ()
    wait = _retry_after(error)
    return code + field + wait + _forecasts(error)


def _retry_after(error: PBAError) -> _Metadata:
    """Return what clients with a retry policy obey by themselves, as Retry-After over HTTP."""
    if not isinstance(error, Busy | Unavailable):
        return ()
    return (("grpc-retry-pushback-ms", str(round(error.retry_after_s * 1000))),)


def _forecasts(error: PBAError) -> _Metadata:
    """Return the forecasts that come with ``error``, as far as metadata has room for them."""
    if not isinstance(error, StoreUnavailable) or not error.forecasts:
        return ()
    message = excerpt(error.forecasts.values(), _MAX_FORECAST_BYTES)
    return (("pba-forecasts-bin", message.SerializeToString()),)


def _request_id(context: grpc.aio.ServicerContext) -> str:
    metadata = dict(context.invocation_metadata() or ())
    request_id = metadata.get(_REQUEST_ID)
    is_clean = isinstance(request_id, str) and _CLEAN_ID.fullmatch(request_id)
    return str(request_id if is_clean else uuid.uuid4())
