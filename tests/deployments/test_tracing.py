"""When requests are traced, what their spans say, and that nothing is loaded where none is."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from ray._common.formatters import JSONFormatter

from deployments.grpc import pba_pb2 as pb
from deployments.ingress.router import Router
from deployments.ingress.routes import http_application
from deployments.ingress.wiring import grpc_server
from deployments.tracing import OFF, Tracing, start_tracing, traces_are_exported
from pba.client import request
from pba.errors import InvalidRequest
from pba.serving.tracing import open_spans, span
from tests.deployments.grpc.messages import call
from tests.support.histories import INTERNET
from tests.support.in_process import JSON, InProcess, open_in_process
from tests.support.otlp_receiver import otlp_receiver
from tests.support.ports import own_port

TRACE_ID, PARENT_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01"}
NOT_SAMPLED = {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-00"}


@pytest.fixture(autouse=True)
def _unchanged_log() -> Iterator[None]:
    record_of = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(record_of)


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(spans: InMemorySpanExporter) -> Tracing:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return Tracing(provider)


@pytest.fixture
async def service(tmp_path: Path) -> Iterator[InProcess]:
    async with open_in_process(tmp_path, grpc_port=1) as opened:
        yield opened


def client(service: InProcess, tracing: Tracing) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(http_application(service.services, tracing))
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers=JSON)


async def test_a_traced_request_names_its_route_its_status_and_its_id(
    service: InProcess, tracing: Tracing, spans: InMemorySpanExporter
):
    async with client(service, tracing) as caller:
        headers = SAMPLED | {"X-Request-ID": "one"}
        await caller.get("/v1/links/a:b/forecast", headers=headers)
    (server,) = (
        one for one in spans.get_finished_spans() if one.parent.span_id == int(PARENT_ID, 16)
    )
    assert server.name == "GET /v1/links/{link_id}/forecast"
    assert dict(server.attributes) == {
        "http.request.method": "GET",
        "http.route": "/v1/links/{link_id}/forecast",
        "url.path": "/v1/links/a:b/forecast",
        "http.response.status_code": 404,
        "request_id": "one",
    }
    assert server.status.is_unset, "the mistake is the caller's"


async def test_a_model_deployment_gets_the_context_of_a_traced_request_alone(
    service: InProcess, tracing: Tracing, spans: InMemorySpanExporter
):
    body = request(INTERNET)
    async with client(service, tracing) as caller:
        for headers in (SAMPLED, NOT_SAMPLED):
            await caller.post("/v1/forecast", json=body, headers=headers)
    first, second = service.models["internet"].traces
    (model,) = (one for one in spans.get_finished_spans() if one.name == "model")
    assert first == {"traceparent": f"00-{TRACE_ID}-{model.context.span_id:016x}-01"}
    assert second is None


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/docs", "/console", "/v1/events/watch"])
async def test_pages_health_and_streams_are_not_traced(
    service: InProcess, tracing: Tracing, spans: InMemorySpanExporter, path: str
):
    async with client(service, tracing) as caller:
        await caller.request("DELETE", path)  # 405: a stream would last
        await caller.request("DELETE", "/v1/events")
    assert [one.name for one in spans.get_finished_spans()] == ["DELETE"]


async def test_an_error_of_the_service_is_one_of_the_span(
    service: InProcess, tracing: Tracing, spans: InMemorySpanExporter
):
    async with client(service, tracing) as caller:
        service.models["internet"].error = ZeroDivisionError()
        with pytest.raises(ZeroDivisionError):
            await caller.post("/v1/forecast", json=request(INTERNET))
    (server,) = (one for one in spans.get_finished_spans() if one.parent is None)
    assert not server.status.is_ok
    assert not server.status.is_unset
    assert server.attributes["http.response.status_code"] == 500


async def test_a_traced_grpc_call_says_how_it_ended(
    tmp_path: Path, tracing: Tracing, spans: InMemorySpanExporter
):
    with own_port() as port:
        async with open_in_process(tmp_path, grpc_port=port) as service:
            server = grpc_server(service.services, tracing)
            await server.start()
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                with pytest.raises(grpc.aio.AioRpcError):
                    await call(channel, "LinkForecast", pb.LinkForecastRequest(link_id="a:b"))
            await server.stop()
    (root,) = (one for one in spans.get_finished_spans() if one.parent is None)
    assert root.name == "pba.v1.Predictor/LinkForecast"
    assert root.attributes["rpc.grpc.status_code"] == grpc.StatusCode.NOT_FOUND.value[0]
    assert root.attributes["request_id"]
    assert root.status.is_unset, "the mistake is the caller's"
    assert "store.read" in {one.name for one in spans.get_finished_spans()}


@pytest.mark.parametrize(
    ("request_body", "is_failure"), [({}, False), (request(INTERNET), True)], ids=["bad", "broken"]
)
async def test_a_handle_call_fails_its_span_where_the_service_fails(
    service: InProcess,
    tracing: Tracing,
    spans: InMemorySpanExporter,
    request_body: dict[str, object],
    is_failure: bool,
):
    router = service.router(10)
    router._tracing = tracing
    service.models["internet"].error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError if is_failure else InvalidRequest):
        await Router.forecast(router, request_body, trace=SAMPLED)
    (root,) = (one for one in spans.get_finished_spans() if one.name == "forecast")
    assert root.parent.span_id == int(PARENT_ID, 16)
    assert root.status.is_unset is not is_failure


def test_what_is_logged_about_a_request_has_the_ids_of_its_trace(monkeypatch: pytest.MonkeyPatch):
    lines: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JSONFormatter().format(record))

    logger = logging.getLogger("ray.serve")
    monkeypatch.setattr(logger, "handlers", [Handler()])
    with otlp_receiver() as receiver:
        for name, value in receiver.environment.items():
            monkeypatch.setenv(name, value)
        tracing = start_tracing("Router")
        for headers in (SAMPLED, NOT_SAMPLED):
            with tracing.request("GET", headers), span("plan"):
                logger.warning("not_recorded")
        logger.warning("outside")
        tracing.stop()
    sampled, unsampled, outside = map(json.loads, lines)
    (plan,) = (one for one in receiver.spans if one.name == "plan")
    assert (sampled["trace_id"], sampled["span_id"]) == (TRACE_ID, plan.span_id)
    assert unsampled["trace_id"] == TRACE_ID
    assert "trace_id" not in outside
    assert plan.resource["service.name"] == "pba"


@pytest.mark.parametrize(
    ("environment", "are"),
    [
        ({}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://a"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_TRACES_EXPORTER": "console"}, False),
    ],
)
def test_the_standard_variables_switch_traces_on(environment: dict[str, str], are: bool):
    assert traces_are_exported(environment) is are


def test_another_protocol_is_refused_with_a_warning(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING, "ray.serve"):
        variables = {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
        assert start_tracing("Router", variables) is OFF
    assert [one.message for one in caplog.records] == ["no_traces"]


def test_without_the_variables_nothing_is_traced():
    assert start_tracing("Router", {}) is OFF


def test_one_request_in_a_hundred_is_traced_unless_a_sampler_is_named(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.delenv("OTEL_TRACES_SAMPLER", raising=False)
    with otlp_receiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        tracing = start_tracing("Router")
        count = 0
        for _ in range(3000):
            with tracing.request("GET", {}):
                count += bool(open_spans())
        tracing.stop()
    assert 5 < count < 80, "30 are expected; fewer or more happen once in a million runs"
    assert len(receiver.spans) == count
