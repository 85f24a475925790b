"""The models of responses fit what version 3.0.0 answered."""

from typing import Any

from deployments.ingress.inference_errors import is_inference
from tests.deployments.ingress.described import ROUTES, assert_described
from tests.regression.replay import fixture
from tests.regression.wire import VARYING

VALUES = {
    **dict.fromkeys(
        ("at", "changed_at", "made_at", "since", "valid_until"), "2026-03-01T12:00:00Z"
    ),
    "cursor": 1,
    "number": 1,
    "took_ms": 1.0,
    "sha256": "0",
    "latency_ms": {"avg": 1.0, "p95": 1.0, "max": 1.0},
    "scoring": {"due": 1, "oldest_due_s": 1.0},
}
"""Values in place of those that the fixture leaves out, because they vary from run to run."""


def complete(body: Any, name: str = "") -> Any:
    if isinstance(body, dict):
        return {key: complete(value, key) for key, value in body.items()}
    if isinstance(body, list):
        return [complete(value, name) for value in body]
    return VALUES[name] if body == VARYING else body


SINCE_3_0_0 = {
    ("GET", "/"),
    ("GET", "/v1/whoami"),
    ("GET", "/v1/metrics/series"),
    ("POST", "/v1/models/{mode}/retrain"),
    ("POST", "/v1/transfer"),
    ("POST", "/v1/transfers"),
    ("GET", "/v1/links/{link_id}/transfer"),
    ("GET", "/v1/links/{link_id}/watch"),
    ("GET", "/v1/events/watch"),
}


def test_every_recorded_response_is_as_described():
    calls = [call for call in fixture("http_answers.json")["calls"] if call["route"]]
    for call in calls:
        route = ROUTES[call["request"]["method"], call["route"]]
        assert_described(route, call["result"]["status"], complete(call["result"]["body"]))
    recorded = {(call["request"]["method"], call["route"]) for call in calls}
    inference = {key for key in ROUTES if is_inference(key[1])}
    assert recorded == set(ROUTES) - SINCE_3_0_0 - inference
