"""A request for advice: its defaults, its limits, and what is refused."""

import math
from dataclasses import FrozenInstanceError

import pytest

from pba.errors import InvalidInput
from pba.forecasting.allocation import AllocationRequest


def test_the_defaults_are_the_old_limits():
    request = AllocationRequest()
    assert (request.policy, request.quantile, request.steps) == ("amst_v1", 0.1, 1)
    assert (request.min_streams, request.max_streams) == (2, 256)
    assert (request.min_buffer_bytes, request.max_buffer_bytes) == (16_384, 1_048_576)


def test_a_request_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        AllocationRequest().max_streams = 1000  # type: ignore[misc]


def test_an_empty_mapping_requests_the_defaults():
    assert AllocationRequest.from_dict({}) == AllocationRequest()


def test_a_mapping_overrides_the_defaults():
    request = AllocationRequest.from_dict({"quantile": 0.25, "max_rate_mbps": 500})
    assert request == AllocationRequest(quantile=0.25, max_rate_mbps=500.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("policy", value) for value in ("amst_v2", "", None, 1, ["amst_v1"])),
        *(("quantile", value) for value in (0.2, 0, 1, "0.1", None, True, math.nan)),
        *(("steps", value) for value in (0, 2, -1, "1", None, True, 1.5)),
        *(("duration_s", value) for value in (0, -1.0, math.nan, math.inf, True, "1")),
        *(("bytes", value) for value in (0, -1, 1.5, True, "1", 10**19)),
        *(("min_streams", value) for value in (0, -1, 2.5, 2.0, "2", None, True, 10**400)),
        *(("max_streams", value) for value in (0, 65_536, math.inf, math.nan, False)),
        *(("min_buffer_bytes", value) for value in (0, -1, 1.5, True)),
        *(("max_buffer_bytes", value) for value in (0, 2**30 + 1, math.inf, "1 MiB")),
        *(("min_rate_mbps", value) for value in (0, 0.0, -1.0, math.nan, True, "1")),
        *(("max_rate_mbps", value) for value in (0.0, math.inf, math.nan, 1.1e7, 10**400, None)),
    ],
)
def test_a_value_that_breaks_a_rule_is_refused_and_named(name, value):
    with pytest.raises(InvalidInput, match=f"{name} is .*; it is ") as caught:
        AllocationRequest.from_dict({name: value})
    assert caught.value.field == f"allocation.{name}"
    assert len(caught.value.message) < 250


@pytest.mark.parametrize("kind", ["streams", "buffer_bytes", "rate_mbps"])
def test_a_minimum_above_its_maximum_is_refused(kind):
    with pytest.raises(
        InvalidInput, match=f"min_{kind} is 9 and max_{kind} 8; .* or raise"
    ) as caught:
        AllocationRequest(**{f"min_{kind}": 9, f"max_{kind}": 8})
    assert caught.value.field == f"allocation.min_{kind}"


@pytest.mark.parametrize("kind", ["streams", "buffer_bytes", "rate_mbps"])
def test_a_minimum_may_equal_its_maximum(kind):
    request = AllocationRequest(**{f"min_{kind}": 50_000, f"max_{kind}": 50_000})
    assert getattr(request, f"min_{kind}") == 50_000


@pytest.mark.parametrize("name", ["streams", "min_chunk_bytes", "", 7, "__class__"])
def test_a_field_that_does_not_exist_is_refused(name):
    with pytest.raises(InvalidInput, match="is not a field here; they are policy") as caught:
        AllocationRequest.from_dict({name: 1})
    assert caught.value.field == f"allocation.{name}"


@pytest.mark.parametrize("body", [None, [], "amst_v1", 3, True])
def test_a_request_that_is_not_a_mapping_is_refused(body):
    with pytest.raises(InvalidInput, match="it is an object") as caught:
        AllocationRequest.from_dict(body)
    assert caught.value.field == "allocation"


@pytest.mark.parametrize(
    "fields",
    [
        {"duration_s": 5.0, "bytes": 5},
        {"duration_s": 5.0, "steps": 5},
        {"bytes": 5, "steps": 15},
    ],
)
def test_advice_is_for_one_time_only(fields):
    with pytest.raises(InvalidInput, match="for one of them"):
        AllocationRequest(**fields)
