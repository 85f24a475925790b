"""Who makes a gRPC call, and whether the caller may: before any message is taken in."""

import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextvars import ContextVar
from functools import partial
from typing import Any

import grpc
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection

from pba.errors import PBAError, TooLarge, Unauthenticated
from pba.security.identity import Identity
from pba.security.limits import UNLIMITED
from pba.serving.caller_limits import CallerLimits
from pba.serving.callers import Callers

from .call_status import complete
from .message_streams import open_stream
from .refused_calls import RefusedCalls, authorization_in

__all__ = [
    "METHODS",
    "OPEN_METHODS",
    "OPEN_SERVICES",
    "AccessControlInterceptor",
    "caller",
    "caller_now",
]

METHODS: Mapping[str, str] = {
    "/pba.v1.Predictor/Forecast": "forecast",
    "/pba.v1.Predictor/ForecastBatch": "forecasts",
    "/pba.v1.Predictor/ForecastStream": "forecasts",
    "/pba.v1.Predictor/Observe": "samples",
    "/pba.v1.Predictor/LinkForecast": "link_forecast",
    "/pba.v1.Predictor/LinkForecasts": "link_forecasts",
    "/pba.v1.Predictor/Transfer": "transfer",
    "/pba.v1.Predictor/Transfers": "transfers",
    "/pba.v1.Predictor/Watch": "watch_link",
    "/pba.v1.Predictor/WatchEvents": "watch_events",
    "/pba.v1.Operations/ListLinks": "links",
    "/pba.v1.Operations/GetLink": "link",
    "/pba.v1.Operations/DeleteLink": "delete_link",
    "/pba.v1.Operations/GetLinkHistory": "link_history",
    "/pba.v1.Operations/ListEvents": "events",
    "/pba.v1.Operations/ListDriftAlarms": "drift",
    "/pba.v1.Operations/GetMetrics": "metrics",
    "/pba.v1.Operations/GetMetricSeries": "metric_series",
    "/pba.v1.Operations/ListModels": "models",
    "/pba.v1.Operations/ListModelVersions": "model_versions",
    "/pba.v1.Operations/PromoteModel": "promote",
    "/pba.v1.Operations/RollBackModel": "roll_back",
    "/pba.v1.Operations/RetrainModel": "retrain",
    "/pba.v1.Operations/GetFlags": "flags",
    "/pba.v1.Operations/SetFlags": "set_flags",
    "/pba.v1.Operations/GetRollout": "rollout",
    "/pba.v1.Operations/WhoAmI": "whoami",
    "/inference.GRPCInferenceService/ServerMetadata": "model_metadata",
    "/inference.GRPCInferenceService/ModelMetadata": "model_metadata",
    "/inference.GRPCInferenceService/ModelReady": "model_metadata",
    "/inference.GRPCInferenceService/ModelInfer": "infer",
}
"""The call of `pba.security.calls` that each method is; what is not listed nobody may call."""

OPEN_SERVICES = (health.SERVICE_NAME, reflection.SERVICE_NAME)
"""Services that need no key: they say nothing about links, and the source says as much."""

OPEN_METHODS = (
    "/inference.GRPCInferenceService/ServerLive",
    "/inference.GRPCInferenceService/ServerReady",
)
"""Methods that need no key: those of another protocol's health."""

_Identify = Callable[[grpc.aio.ServicerContext], Awaitable[Identity]]

_caller: ContextVar[Identity | None] = ContextVar("caller", default=None)
_identify: ContextVar[Callable[[], Identity] | None] = ContextVar("identify", default=None)


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


def caller_now() -> Identity:
    """Return who makes a call that has lasted for a while.

    Raises
    ------
    Unauthenticated
        If the key was revoked, or the token has ended, in the meantime.
    """
    identify = _identify.get()
    return caller() if identify is None else identify()


class AccessControlInterceptor(grpc.aio.ServerInterceptor):
    """Refuses calls without a valid key, and those that its role does not allow.

    Parameters
    ----------
    callers
        Knows who calls.
    refused
        Counts the calls that are refused.
    limits
        Know how much each caller may send.
    """

    def __init__(self, callers: Callers, refused: RefusedCalls, limits: CallerLimits) -> None:
        self._callers = callers
        self._limits = limits
        self._refused = refused

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """Return the handler of a call; called by gRPC."""
        if details.method.split("/")[1] in OPEN_SERVICES or details.method in OPEN_METHODS:
            return await continuation(details)
        authorization = authorization_in(details.invocation_metadata)
        if authorization is None and self._callers.reads_certificates:
            handler = await continuation(details)
            return handler and self._by_certificate(handler, details.method)
        try:
            identity = self._callers.identify(authorization)
            handler = await continuation(details)
            if handler is None:  # gRPC answers methods that do not exist
                return None
            identity.require(METHODS.get(details.method))
        except PBAError as error:
            return self._refusal(error)
        _caller.set(identity)
        _identify.set(partial(self._callers.identify, authorization))
        if self._limits.limits_of(identity) is UNLIMITED:
            return handler
        return self._limited(handler, identity)

    def _by_certificate(self, handler: grpc.RpcMethodHandler, method: str) -> grpc.RpcMethodHandler:
        """Return ``handler`` behind a look at the connection, which gRPC shows only with a call."""

        async def identify(context: grpc.aio.ServicerContext) -> Identity:
            certificate = _certificate(context)
            verified = self._verified(method, certificate)
            identity = await complete(self._refused.counted(verified, context), context)
            _caller.set(identity)
            _identify.set(partial(self._callers.identify, None, certificate))
            return identity

        return self._admitted(handler, identify)

    def _limited(self, handler: grpc.RpcMethodHandler, identity: Identity) -> grpc.RpcMethodHandler:
        """Return ``handler`` within the limits of a caller."""

        async def known(_: grpc.aio.ServicerContext) -> Identity:
            return identity

        return self._admitted(handler, known)

    def _admitted(
        self, handler: grpc.RpcMethodHandler, identify: _Identify
    ) -> grpc.RpcMethodHandler:
        """Return ``handler`` within the limits of the caller that ``identify`` names.

        Behind `MessagePlaces`, every call of one message reads a stream of one.
        """
        codecs = handler.request_deserializer, handler.response_serializer

        async def answer(messages: AsyncIterator[Any], context: grpc.aio.ServicerContext) -> Any:
            async with self._within_limits(await identify(context), context) as limit_mb:
                return await handler.stream_unary(_small(messages, limit_mb), context)

        async def stream(
            messages: AsyncIterator[Any], context: grpc.aio.ServicerContext
        ) -> AsyncIterator[Any]:
            async with self._within_limits(await identify(context), context) as limit_mb:
                async for response in handler.stream_stream(_small(messages, limit_mb), context):
                    yield response

        if handler.response_streaming:
            return grpc.stream_stream_rpc_method_handler(stream, *codecs)
        return grpc.stream_unary_rpc_method_handler(answer, *codecs)

    @contextlib.asynccontextmanager
    async def _within_limits(
        self, identity: Identity, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[float]:
        """Admit one call of a caller; yield the largest message that it may send, in MB."""
        with contextlib.ExitStack() as stack:

            async def admit() -> None:
                stack.enter_context(self._limits.admit(identity))

            await complete(admit(), context)
            yield self._limits.body_limit_mb(identity)

    async def _verified(self, method: str, certificate: bytes | None) -> Identity:
        identity = self._callers.identify(None, certificate)
        identity.require(METHODS.get(method))
        return identity

    def _refusal(self, error: PBAError) -> grpc.RpcMethodHandler:
        """Return a handler that ends any kind of call with ``error``, reading no message."""

        async def fail() -> None:
            raise error

        async def refuse(_: AsyncIterator[Any], context: grpc.aio.ServicerContext) -> None:
            await complete(self._refused.counted(fail(), context), context)

        return grpc.stream_unary_rpc_method_handler(refuse)


async def _small(messages: AsyncIterator[bytes], limit_mb: float) -> AsyncIterator[bytes]:
    """Yield ``messages``; raises `TooLarge` for one over ``limit_mb`` million bytes."""
    async with open_stream(messages) as stream:
        async for message in stream:
            if len(message) > limit_mb * 1e6:
                raise TooLarge(
                    f"the message has {len(message)} bytes; this caller may send {limit_mb:g} MB. "
                    "Send less at a time."
                )
            yield message


def _certificate(context: grpc.aio.ServicerContext) -> bytes | None:
    """Return the certificate of the caller, in DER, that gRPC has verified."""
    texts = context.auth_context().get("x509_pem_cert")
    return ssl.PEM_cert_to_DER_cert(texts[0].decode("ascii")) if texts else None
