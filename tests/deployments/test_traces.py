"""Traces of a running service: whoever calls, one tree from the caller to replica and store."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping

import grpc
import httpx
import pytest

from deployments.grpc import pba_pb2 as pb, pba_pb2_grpc
from pba.client import PBAClient, request
from tests.support.histories import INTERNET
from tests.support.otlp_receiver import OtlpReceiver
from tests.support.processes import locked_store
from tests.support.service import RunningService
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.ray, pytest.mark.slow]

LINKS = [f"traced:{number}" for number in range(6)]  # more than a router computes by itself
PARENT = "b7ad6b7169203331"
STEPS = {
    "read": {},
    "store.read": {},
    "plan": {},
    "model": {"replica": {"model.run": {}}},
    "assemble": {},
    "record": {"store.write": {"store.commit": {}}},
}
FAILING_CALL = """
try:
    serve.get_app_handle("pba").forecast.remote({}).result()
except Exception as error:
    reply(type(error).__name__)
"""
Call = Callable[[RunningService, Mapping[str, str]], None]


@pytest.fixture(scope="module", autouse=True)
def _links(service: RunningService) -> Iterator[None]:
    """Have the links that are forecast, for as long as the traces are looked at."""
    with PBAClient(service.url) as client:
        for name in LINKS:
            client.observe(name, INTERNET)
        yield
        for name in LINKS:
            client.delete_link(name)


def over_http(service: RunningService, trace: Mapping[str, str]) -> None:
    body = {"link_ids": LINKS}
    url = f"{service.url}/v1/links/forecasts"
    httpx.post(url, json=body, headers=trace, timeout=30).raise_for_status()


def over_grpc(service: RunningService, trace: Mapping[str, str]) -> None:
    with grpc.insecure_channel(service.grpc_address) as channel:
        stub = pba_pb2_grpc.PredictorStub(channel)
        message = pb.LinkForecastsRequest(link_ids=LINKS)
        stub.LinkForecasts(message, metadata=tuple(trace.items()), timeout=30)


def through_a_handle(service: RunningService, trace: Mapping[str, str]) -> None:
    service.program(
        "handle = serve.get_app_handle('pba')\n"
        f"reply(handle.link_forecasts.remote({LINKS!r}, trace={dict(trace)!r}).result())\n"
    )


@pytest.mark.parametrize(
    ("call", "root", "steps"),
    [
        (over_http, "POST /v1/links/forecasts", {"receive": {}, **STEPS}),
        (over_grpc, "pba.v1.Predictor/LinkForecasts", STEPS),
        (through_a_handle, "link_forecasts", {k: v for k, v in STEPS.items() if k != "read"}),
    ],
    ids=["http", "grpc", "handle"],
)
def test_a_request_is_one_tree_from_its_caller_to_replica_and_store(
    service: RunningService, receiver: OtlpReceiver, call: Call, root: str, steps: object
):
    trace_id = uuid.uuid4().hex
    call(service, {"traceparent": f"00-{trace_id}-{PARENT}-01"})
    wait_until(lambda: receiver.tree(trace_id, PARENT) == {root: steps}, "the tree")
    deployments = {span.name: span.resource["serve.deployment"] for span in receiver.of(trace_id)}
    assert (deployments[root], deployments["replica"]) == ("Router", "internet")
    assert len(receiver.of(trace_id)) == len(deployments), "a span is sent once"


def test_the_log_of_a_traced_request_has_its_trace_beside_its_id(service: RunningService):
    trace_id, request_id = uuid.uuid4().hex, f"traced-{uuid.uuid4().hex}"
    headers = {"traceparent": f"00-{trace_id}-{PARENT}-01", "X-Request-ID": request_id}
    with locked_store(service):
        body = request(INTERNET, LINKS[0])
        response = httpx.post(f"{service.url}/v1/forecast", json=body, headers=headers, timeout=30)
    assert "not_recorded" in response.json()["reasons"]
    service.program(FAILING_CALL)  # Serve keeps lines back until an error is logged
    folder = service.folder / "ray/session_latest/logs/serve"

    def logged() -> list[dict[str, str]]:
        texts = (file.read_text() for file in folder.glob("replica_pba_Router_*.log"))
        lines = (line for text in texts for line in text.splitlines() if request_id in line)
        return [one for one in map(json.loads, lines) if one["message"] == "not_recorded"]

    wait_until(lambda: bool(logged()), "the line of the log")
    (line,) = logged()
    assert line.get("trace_id") == trace_id, line


def test_what_nobody_traces_is_sent_nowhere(service: RunningService, receiver: OtlpReceiver):
    trace_id = uuid.uuid4().hex
    over_http(service, {"traceparent": f"00-{trace_id}-{PARENT}-00"})
    marker = uuid.uuid4().hex
    over_http(service, {"traceparent": f"00-{marker}-{PARENT}-01"})
    wait_until(lambda: bool(receiver.of(marker)), "the trace after it")
    assert receiver.of(trace_id) == []
