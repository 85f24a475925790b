"""The spans of gRPC calls: from the first metadata to the response."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc
from opentelemetry.trace import Span, StatusCode

from ..tracing import Tracing
from .access_control import METHODS

__all__ = ["CallTraces"]

_CONTEXT = ("traceparent", "tracestate")
_OF_THE_SERVICE = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN)


class CallTraces(grpc.aio.ServerInterceptor):
    """Traces the calls that have one response; streams last, and are not traced."""

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """Return the handler of a call; called by gRPC."""
        handler = await continuation(details)
        if handler is None or handler.response_streaming or details.method not in METHODS:
            return handler
        kind = "stream_unary" if handler.request_streaming else "unary_unary"
        traced = self._traced(getattr(handler, kind), details.method.lstrip("/"))
        return handler._replace(**{kind: traced})

    def _traced(self, call: Callable[..., Awaitable[Any]], name: str) -> Callable[..., Any]:
        async def answer(request: Any, context: grpc.aio.ServicerContext) -> Any:
            sent = dict(context.invocation_metadata() or ())
            headers = {key: str(sent[key]) for key in _CONTEXT if key in sent}
            with self._tracing.request(name, headers) as span:
                try:
                    return await call(request, context)
                finally:
                    if span.is_recording():
                        _describe(span, name, context)

        return answer


def _describe(span: Span, name: str, context: grpc.aio.ServicerContext) -> None:
    """Give ``span`` the names of OpenTelemetry's conventions, once the call has ended."""
    service, _, method = name.partition("/")
    span.set_attributes({"rpc.system": "grpc", "rpc.service": service, "rpc.method": method})
    trailing: Mapping[str, Any] = dict(context.trailing_metadata() or ())
    if "x-request-id" in trailing:
        span.set_attribute("request_id", str(trailing["x-request-id"]))
    code = context.code() or grpc.StatusCode.OK
    span.set_attribute("rpc.grpc.status_code", code.value[0])
    if code in _OF_THE_SERVICE:
        span.set_status(StatusCode.ERROR)
