"""Who makes a gRPC call, and whether the caller may: before any message is taken in."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any

import grpc
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection

from pba.errors import PBAError, Unauthenticated
from pba.security.identity import Identity
from pba.serving.key_watch import KeyWatch

from .call_status import complete
from .refused_calls import RefusedCalls, authorization_in

__all__ = ["METHODS", "OPEN_SERVICES", "AccessControlInterceptor", "caller"]

METHODS: Mapping[str, str] = {
    "/pba.v1.Predictor/Forecast": "forecast",
    "/pba.v1.Predictor/ForecastBatch": "forecasts",
    "/pba.v1.Predictor/Observe": "samples",
}
"""The call of `pba.security.calls` that each method is; what is not listed nobody may call."""

OPEN_SERVICES = (health.SERVICE_NAME, reflection.SERVICE_NAME)
"""Services that need no key: they say nothing about links, and the source says as much."""

_caller: ContextVar[Identity | None] = ContextVar("caller", default=None)


def caller() -> Identity:
    """Return who makes the call that is being answered.

    Raises
    ------
    Unauthenticated
        Outside a call that `AccessControlInterceptor` has let through.
    """
    identity = _caller.get()
    if identity is None:
        raise Unauthenticated("the call has no valid key. Send authorization: Bearer KEY.")
    return identity


class AccessControlInterceptor(grpc.aio.ServerInterceptor):
    """Refuses calls without a valid key, and those that its role does not allow.

    Parameters
    ----------
    keys
        Knows who sends a key.
    refused
        Counts the calls that are refused.
    """

    def __init__(self, keys: KeyWatch, refused: RefusedCalls) -> None:
        self._keys = keys
        self._refused = refused

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """Return the handler of a call; called by gRPC."""
        if details.method.split("/")[1] in OPEN_SERVICES:
            return await continuation(details)
        try:
            identity = self._keys.identify(authorization_in(details.invocation_metadata))
            handler = await continuation(details)
            if handler is not None:  # gRPC answers methods that do not exist
                identity.require(METHODS.get(details.method))
        except PBAError as error:
            return self._refusal(error)
        _caller.set(identity)
        return handler

    def _refusal(self, error: PBAError) -> grpc.RpcMethodHandler:
        """Return a handler that ends any kind of call with ``error``, reading no message."""

        async def fail() -> None:
            raise error

        async def refuse(_: AsyncIterator[Any], context: grpc.aio.ServicerContext) -> None:
            await complete(self._refused.counted(fail(), context), context)

        return grpc.stream_unary_rpc_method_handler(refuse)
