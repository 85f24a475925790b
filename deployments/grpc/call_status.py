"""How a call ends: its answer, or the status and trailing metadata of what was wrong with it."""

import logging
import uuid
from collections.abc import Awaitable
from typing import NoReturn, TypeVar

import grpc
from ray.serve.context import _set_request_context

from pba.errors import Busy, PBAError, Unavailable

from ..error_codes import grpc_status
from .responses import detail

__all__ = ["complete"]

_log = logging.getLogger("ray.serve")
_ID = "x-request-id"
_RETRY_AFTER_MS = "1000"  # clients with a retry policy keep to it by themselves

T = TypeVar("T")
Metadata = tuple[tuple[str, str], ...]


async def complete(answer: Awaitable[T], context: grpc.aio.ServicerContext) -> T:
    """Return what ``answer`` brings, or end the call with what is wrong.

    Logs carry the caller's ``x-request-id``, or a new one, and so does the end of every call.
    """
    request_id = _request_id(context)
    _set_request_context(request_id=request_id)
    context.set_trailing_metadata(((_ID, request_id),))
    try:
        return await answer
    except PBAError as error:
        await _refuse(context, error, request_id)
    except Exception as error:
        _log.exception("grpc_failed")
        message = f"{type(error).__name__} inside the service. Its log has the request id."
        await _refuse(context, PBAError(message), request_id)


async def _refuse(context: grpc.aio.ServicerContext, error: PBAError, request_id: str) -> NoReturn:
    metadata = ((_ID, request_id), *_metadata(error))
    await context.abort(grpc_status(error), str(error), metadata)
    raise AssertionError("abort raises")


def _metadata(error: PBAError) -> Metadata:
    told = detail(error)
    code = (("pba-error-code", told.code),)
    field = (("pba-error-field", told.field),) if told.HasField("field") else ()
    later = isinstance(error, Busy | Unavailable)  # the same errors as have Retry-After over HTTP
    wait = (("grpc-retry-pushback-ms", _RETRY_AFTER_MS),) if later else ()
    return code + field + wait


def _request_id(context: grpc.aio.ServicerContext) -> str:
    given = dict(context.invocation_metadata() or ())
    return str(given.get(_ID) or uuid.uuid4())
