"""Every HTTP call has a counterpart over gRPC, in the table of docs/grpc.md and among the pairs."""

import pytest

from deployments.grpc.access_control import METHODS
from deployments.ingress.openapi import call_of
from docs import grpc_calls
from pba.security.calls import PUBLIC
from tests.deployments.grpc.parity import PAIRS
from tests.deployments.grpc.refusals import REFUSALS
from tests.deployments.ingress.described import ROUTES, is_stream

CHANGES = {
    "DELETE /v1/links/{link_id}",
    "PUT /v1/flags",
    "POST /v1/models/{mode}/promote",
    "POST /v1/models/{mode}/rollback",
    "POST /v1/models/{mode}/retrain",
}
"""What `test_parity` does once, since it cannot be done twice."""


def test_every_route_is_in_the_table():
    ways = [way for way, _ in grpc_calls.operations()]
    assert set(ways) == {f"{method} {path}" for method, path in ROUTES}
    text = grpc_calls.table()
    assert all(f"`{way}`" in text for way in ways)


def test_every_method_is_in_the_table():
    methods = {".".join(path.split(".")[-1].split("/")) for path in METHODS}
    text = grpc_calls.table()
    assert all(f"`{method}`" in text for method in methods)


def test_a_route_without_a_counterpart_is_an_error():
    with pytest.raises(LookupError, match="GET /v1/new has no method"):
        grpc_calls.counterpart("GET /v1/new", "new")


def test_every_call_is_compared_with_its_counterpart():
    calls = {way: operation["x-pba-call"] for way, operation in grpc_calls.operations()}
    compared = {pair.way: pair.method for pair in PAIRS}
    streams = {call_of(route) for route in ROUTES.values() if is_stream(route)}
    apart = {PUBLIC, *streams}  # streams are compared in `test_streams`
    ways = {way for way, call in calls.items() if call not in apart and "/v2" not in way}
    assert set(compared) | CHANGES == ways  # for those of the other protocol see `test_inference`
    assert {pair.way for pair in REFUSALS} >= CHANGES
    for pair in (*PAIRS, *REFUSALS):
        method = pair.method.replace("/", ".")
        assert grpc_calls.counterpart(pair.way, calls[pair.way]) == f"`{method}`"
