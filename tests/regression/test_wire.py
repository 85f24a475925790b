"""A running service answers over HTTP and gRPC as version 3.0.0 did, key by key."""

import time
from typing import Any

import grpc
import httpx
import pytest

from deployments.grpc import pba_pb2_grpc
from deployments.ingress.inference_errors import is_inference
from tests.regression.closeness import assert_close, differences
from tests.regression.replay import fixture
from tests.regression.wire import (
    both_masked,
    call_grpc,
    http_request,
    http_result,
    is_accepted_since,
    masked,
    prepare,
)
from tests.support.processes import routers
from tests.support.service import RunningService
from tests.support.waiting import POLL_S

pytestmark = [pytest.mark.ray, pytest.mark.slow]

_PATIENCE_S = 30.0
"""How long a request is repeated whose response rests on what the service does by itself."""


@pytest.fixture(scope="module")
def service(postgres_service: RunningService) -> RunningService:
    """Return a service to which nothing has been sent yet."""
    return postgres_service


@pytest.fixture(scope="module")
def grpc_results(service: RunningService) -> list[dict[str, Any]]:
    """Make the gRPC calls, which come before the HTTP requests: links stay where they are."""
    recorded = fixture("grpc_answers.json")
    with grpc.insecure_channel(service.grpc_address) as channel:
        stub = pba_pb2_grpc.PredictorStub(channel)
        return [
            masked(
                call_grpc(stub, call["request"], recorded["histories"]),
                call["varying"],
                service.folder,
            )
            for call in recorded["calls"]
        ]


def test_grpc_calls_are_answered_as_by_version_3_0(grpc_results: list[dict[str, Any]]):
    calls = fixture("grpc_answers.json")["calls"]
    for place, (call, result) in enumerate(zip(calls, grpc_results, strict=True)):
        assert_close(call["result"], result, f"calls[{place}] {call['request']['method']}")


@pytest.mark.usefixtures("grpc_results")
def test_http_requests_are_answered_as_by_version_3_0(service: RunningService):
    """All of them by one router: the other notices a second later what this one has changed."""
    recorded = fixture("http_answers.json")
    lines = []
    url = min(routers(service).values())
    with httpx.Client(base_url=url, timeout=30) as client:
        for place, call in enumerate(recorded["calls"]):
            request = call["request"]
            if "before" in call:
                prepare(call["before"], service.folder)
            if is_accepted_since(call):
                continue
            where = f"calls[{place}] {request['method']} {request['path']}"
            lines += _differences(client, service, call, recorded["histories"], where)
    assert not lines, "\n".join(lines[:40])


def _differences(
    client: httpx.Client,
    service: RunningService,
    call: dict[str, Any],
    histories: dict[str, Any],
    where: str,
) -> list[str]:
    """Return what is different; of a call that is ``repeated``, when nothing is or time is up."""
    limit = time.monotonic() + _PATIENCE_S
    while True:
        result = http_result(client.request(**http_request(call["request"], histories)))
        lines = differences(*both_masked(call, result, service.folder), where)
        if not lines or not call["repeated"] or time.monotonic() > limit:
            return lines
        time.sleep(POLL_S)


def test_every_route_is_among_the_recorded_requests(service: RunningService):
    paths = httpx.get(f"{service.url}/openapi.json").json()["paths"]
    routes = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    calls = fixture("http_answers.json")["calls"]
    recorded = {(call["request"]["method"], call["route"]) for call in calls if call["route"]}
    added = {  # since 3.0.0
        ("GET", "/"),
        ("GET", "/v1/whoami"),
        ("POST", "/v1/transfer"),
        ("POST", "/v1/transfers"),
        ("GET", "/v1/links/{link_id}/transfer"),
        ("GET", "/v1/links/{link_id}/watch"),
        ("GET", "/v1/events/watch"),
        ("GET", "/v1/metrics/series"),
        ("POST", "/v1/models/{mode}/retrain"),
    }
    assert {route for route in routes if not is_inference(route[1])} == recorded | added
