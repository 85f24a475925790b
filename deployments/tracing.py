"""Traces of requests by OpenTelemetry: which requests are traced, and where their spans go.

The standard `OTEL_` variables decide both. Unless they ask for traces, nothing of OpenTelemetry's
SDK is loaded here.
"""

import contextlib
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from pba.serving.tracing import OpenSpan, open_spans, traced

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

__all__ = ["OFF", "Tracing", "start_tracing", "traces_are_exported"]

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"
_SAMPLED = 0.01
_STOP_S = 2.0  # within the graceful_shutdown_timeout_s of every deployment
_W3C = TraceContextTextMapPropagator()
_log = logging.getLogger("ray.serve")


@dataclass(frozen=True, slots=True)
class _OtelSpan:
    """A span of OpenTelemetry, as `pba.serving.tracing.OpenSpan`."""

    tracer: Tracer
    span: Span

    @property
    def headers(self) -> Mapping[str, str]:
        """W3C trace context."""
        headers: dict[str, str] = {}
        _W3C.inject(headers, trace.set_span_in_context(self.span))
        return headers

    @contextlib.contextmanager
    def child(self, name: str, attributes: Mapping[str, str | int]) -> Iterator[OpenSpan]:
        """Open a span below this one."""
        above = trace.set_span_in_context(self.span)
        with self.tracer.start_as_current_span(name, above, attributes=attributes) as span:
            yield _OtelSpan(self.tracer, span)


class Tracing:
    """Traces some of the requests of a replica, or none.

    Parameters
    ----------
    provider
        Makes the spans; None where nothing is traced.
    """

    def __init__(self, provider: "TracerProvider | None" = None) -> None:
        self._provider = provider
        self._tracer = None if provider is None else provider.get_tracer("pba")

    @property
    def is_on(self) -> bool:
        """Whether any request may be traced."""
        return self._tracer is not None

    @contextlib.contextmanager
    def request(self, name: str, headers: Mapping[str, str]) -> Iterator[Span]:
        """Yield the span of a request, which lasts as long as the context.

        Whether an error is one of the service, which marks the span, its protocol knows.

        Parameters
        ----------
        name
            What it is called; never with the name of a link, for there are few names of spans.
        headers
            What the caller has sent: with a ``traceparent`` the request belongs to that trace.
        """
        if self._tracer is None:
            yield INVALID_SPAN
            return
        with self._tracer.start_as_current_span(
            name,
            _W3C.extract(headers),
            SpanKind.SERVER,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            traces = (_OtelSpan(self._tracer, span),) if span.is_recording() else ()
            with traced(traces):
                yield span

    @contextlib.contextmanager
    def part(self, name: str, headers: Mapping[str, str] | None) -> Iterator[None]:
        """Go on with the trace of a router's request, if that is traced."""
        if headers is None:
            yield
            return
        with self.request(name, headers):
            yield

    def stop(self) -> None:
        """Send what is left, for two seconds at most."""
        if self._provider is not None:
            thread = threading.Thread(target=self._provider.shutdown, daemon=True)
            thread.start()
            thread.join(_STOP_S)


OFF = Tracing()
"""Traces nothing."""


def _log_trace_ids() -> None:
    """Give what is logged about a request the ids of its trace and of its open span.

    Not by a filter of Serve's handlers: it replaces these when it configures a replica.
    """
    record_of = logging.getLogRecordFactory()

    def traced_record(*inputs: Any, **others: Any) -> logging.LogRecord:
        record = record_of(*inputs, **others)
        spans = [one.span for one in open_spans() if isinstance(one, _OtelSpan)]
        context = (spans or [trace.get_current_span()])[0].get_span_context()
        if context.is_valid:
            record.trace_id = trace.format_trace_id(context.trace_id)
            record.span_id = trace.format_span_id(context.span_id)
        return record

    logging.setLogRecordFactory(traced_record)


def traces_are_exported(environment: Mapping[str, str]) -> bool:
    """Return whether the standard variables in ``environment`` ask for traces.

    >>> traces_are_exported({}), traces_are_exported({"OTEL_TRACES_EXPORTER": "otlp"})
    (False, True)
    """
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = environment.get("OTEL_TRACES_EXPORTER", "")
    if exporter not in ("", "otlp", "none"):
        _log.warning("no_traces", extra={"why": f"OTEL_TRACES_EXPORTER is {exporter}, not otlp"})
        return False
    return exporter == "otlp" or (not exporter and any(map(environment.get, _ENDPOINTS)))


def start_tracing(deployment: str, environment: Mapping[str, str] = os.environ) -> Tracing:
    """Return the traces of this process, as the standard `OTEL_` variables say.

    What the SDK and its exporter read from the environment they read themselves. Unless
    ``OTEL_TRACES_SAMPLER`` is set, one request in a hundred is traced, and those whose callers
    trace them.

    Parameters
    ----------
    deployment
        What this replica is one of.
    """
    if not traces_are_exported(environment):
        return OFF
    protocol = next(filter(None, map(environment.get, _PROTOCOLS)), _PROTOCOL)
    if protocol != _PROTOCOL:
        _log.warning("no_traces", extra={"why": f"the protocol is {protocol}, not {_PROTOCOL}"})
        return OFF
    _log_trace_ids()
    logging.getLogger("opentelemetry").parent = _log
    return Tracing(_provider(deployment, "OTEL_TRACES_SAMPLER" in environment))


def _provider(deployment: str, chooses: bool) -> "TracerProvider":
    """Return what makes spans and sends them; ``chooses`` is whether a variable has a sampler."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

    resource = Resource.create({"serve.deployment": deployment})
    if str(resource.attributes["service.name"]).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": "pba"}))
    sampler = None if chooses else ParentBasedTraceIdRatio(_SAMPLED)
    provider = TracerProvider(sampler, resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
