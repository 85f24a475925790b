"""Bodies as domain objects, from JSON and from handle calls, and what is refused."""

import json
import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from deployments.ingress.request_reading import (
    read_link_ids,
    read_link_samples,
    read_queries,
    read_query,
    read_samples,
)
from pba.errors import (
    InvalidHistory,
    InvalidInput,
    InvalidRequest,
    InvalidSample,
    NotJson,
    PBAError,
    TooLarge,
)
from pba.forecasting.allocation import AllocationRequest
from pba.types import NetworkMode


def sample(timestamp: Any = 0.0, **fields: Any) -> dict[str, Any]:
    return {"timestamp": timestamp, "bandwidth_mbps": 5.0, **fields}


def body(**fields: Any) -> bytes:
    return json.dumps({"history": [sample(1), sample(2)], **fields}).encode()


def refused(kind: type[PBAError], *samples: Any, **fields: Any) -> PBAError:
    """Return the error of a body, which is the same as JSON and as an object."""
    content = body(history=list(samples), **fields) if samples else body(**fields)
    with pytest.raises(kind) as caught:
        read_query(content)
    assert type(caught.value) is kind
    with pytest.raises(kind) as from_object:
        read_query(json.loads(content))
    assert from_object.value.body() == caught.value.body()
    return caught.value


def test_times_may_be_rfc_3339_or_unix_seconds():
    query = read_query(body(history=[sample("2026-03-01T12:00:00Z"), sample(1772366401)]))
    assert query.history.timestamps_s.tolist() == [1772366400.0, 1772366401.0]


def test_an_offset_is_applied_and_no_offset_means_utc():
    given = [sample("2026-03-01T13:00:00+01:00"), sample("2026-03-01T12:00:01")]
    query = read_query(body(history=given))
    assert query.history.timestamps_s.tolist() == [1772366400.0, 1772366401.0]


def test_absent_and_null_values_stay_missing():
    query = read_query(body(history=[sample(1, latency_ms=None), sample(2, packet_loss=0.5)]))
    assert np.isnan(query.history.telemetry[0, 1:]).all()
    assert query.history.telemetry[1, 2] == 0.5


def test_mode_auto_is_to_be_detected_and_others_are_used():
    assert read_query(body()).mode is None
    assert read_query(body(mode="auto")).mode is None
    assert read_query(body(mode="hybrid")).mode is NetworkMode.HYBRID


def test_a_body_that_is_not_json_is_refused_as_such():
    with pytest.raises(NotJson, match="not JSON"):
        read_query(b'{"history": [')


@pytest.mark.parametrize("content", [b"[]", b"null", b'"text"'])
def test_a_body_that_is_not_an_object_is_refused(content: bytes):
    with pytest.raises(InvalidRequest):
        read_query(content)


def test_an_unknown_field_is_named():
    error = refused(InvalidRequest, color="red")
    assert error.field == "color"


def test_an_unknown_field_of_a_sample_is_named_with_its_place():
    error = refused(InvalidRequest, sample(1), sample(2, bandwidth=3))
    assert error.field == "history[1].bandwidth"


def test_a_missing_field_is_named_with_its_place():
    error = refused(InvalidRequest, sample(1), {"timestamp": 2})
    assert error.field == "history[1].bandwidth_mbps"
    assert "missing" in error.message


@pytest.mark.parametrize("value", [True, "5", [5], math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_a_finite_number_is_refused_with_rule_and_value(value: Any):
    error = refused(InvalidSample, sample(1), sample(2, packet_loss=value))
    assert error.field == "history[1].packet_loss"
    assert repr(value) in error.message
    assert "between 0 and 1" in error.message


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("bandwidth_mbps", -1.0),
        ("bandwidth_mbps", 1.1e7),
        ("latency_ms", 1.1e6),
        ("packet_loss", 1.7),
        ("jitter_ms", -0.1),
        ("throughput_mbps", 2e7),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_place(column: str, value: float):
    error = refused(InvalidSample, sample(1), sample(2, **{column: value}))
    assert error.field == f"history[1].{column}"
    assert f"{value:.6g}" in error.message


@pytest.mark.parametrize("timestamp", [True, "yesterday", None, {}])
def test_a_timestamp_of_another_type_is_refused(timestamp: Any):
    error = refused(InvalidRequest, sample(1), sample(timestamp))
    assert error.field == "history[1].timestamp"


@pytest.mark.parametrize("timestamp", [-1.0, 1e12])
def test_a_time_outside_1970_to_9999_is_refused(timestamp: float):
    error = refused(InvalidSample, sample(timestamp), sample(timestamp + 1))
    assert error.field == "history[0].timestamp"


def test_times_that_do_not_increase_name_both_samples():
    error = refused(InvalidHistory, sample(1), sample(3), sample(3))
    assert "history[1]" in error.message
    assert "history[2]" in error.message


@pytest.mark.parametrize("link_id", ["", "a/b", "x" * 201, "a b"])
def test_a_link_id_with_other_characters_or_length_is_refused(link_id: str):
    assert refused(InvalidInput, link_id=link_id).field == "link_id"


def test_an_unknown_mode_lists_the_known_ones():
    error = refused(InvalidRequest, mode="lan")
    assert error.field == "mode"
    assert "hybrid" in error.message


@pytest.mark.parametrize("encode", [json.dumps, None])
def test_a_bulk_body_has_errors_in_their_places(encode: Any):
    valid = {"history": [sample(1), sample(2)]}
    requests = [valid, {"history": [sample(1, packet_loss=4)]}, {"hist": 1}, 5, valid]
    content: Any = {"requests": requests}
    items = read_queries(encode(content).encode() if encode else content, limit=5)
    kinds = [type(item).__name__ for item in items]
    assert kinds == ["Query", "InvalidSample", "InvalidRequest", "InvalidRequest", "Query"]


def test_more_items_than_the_limit_refuse_the_whole_call():
    with pytest.raises(TooLarge, match="3 items"):
        read_queries(json.dumps({"requests": [{}] * 3}).encode(), limit=2)
    with pytest.raises(TooLarge, match="3 items"):
        read_link_ids(b'{"link_ids": ["a", "b", "c"]}', limit=2)


def test_a_bulk_body_without_requests_is_refused():
    with pytest.raises(InvalidRequest, match="requests is missing"):
        read_queries(b"{}", limit=2)


def test_a_handle_call_may_pass_numbers_of_numpy_tuples_and_datetimes():
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    history = (
        {"timestamp": noon, "bandwidth_mbps": np.float64(5.0)},
        {"timestamp": np.float64(noon.timestamp() + 1), "bandwidth_mbps": 6, "latency_ms": None},
    )
    query = read_query({"history": history, "mode": "internet"})
    assert query.history.timestamps_s.tolist() == [noon.timestamp(), noon.timestamp() + 1]
    assert query.history.telemetry[:, 0].tolist() == [5.0, 6.0]


def test_nan_from_a_handle_call_is_refused_and_not_missing():
    history = [sample(1), sample(2, latency_ms=math.nan)]
    with pytest.raises(InvalidSample, match="nan") as caught:
        read_query({"history": history})
    assert caught.value.field == "history[1].latency_ms"


def test_an_object_that_is_no_list_of_samples_is_refused():
    with pytest.raises(InvalidRequest) as caught:
        read_query({"history": object()})
    assert caught.value.field == "history"


def test_a_request_for_advice_has_limits_that_are_checked():
    allocation = read_query(body(allocation={"max_streams": 4})).allocation
    assert allocation == AllocationRequest(max_streams=4)
    assert read_query(body()).allocation is None
    for wrong, field in (({"quantile": 2}, "allocation.quantile"), ({"x": 1}, "allocation.x")):
        assert refused(InvalidRequest, allocation=wrong).field == field


def test_samples_are_read_as_one_report_per_link_and_errors_name_their_place():
    rows = [
        sample(1) | {"link_id": "a"},
        sample(2) | {"link_id": "b"},
        sample(3) | {"link_id": "a"},
    ]
    for content in (json.dumps({"samples": rows}).encode(), {"samples": rows}):
        reports = read_samples(content, 10)
        assert [(report.link_id, report.timestamps_s.tolist()) for report in reports] == [
            ("a", [1.0, 3.0]),
            ("b", [2.0]),
        ]
    with pytest.raises(TooLarge, match="3 items"):
        read_samples(json.dumps({"samples": rows}).encode(), 2)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"packet_loss": 2}, "samples[1].packet_loss"),
        ({"link_id": "no/path"}, "samples[1].link_id"),
        ({"timestamp": 1e15}, "samples[1].timestamp"),
        ({"timestamp": "noon"}, "samples[1].timestamp"),
        ({"bandwidth_mbps": None}, "samples[1].bandwidth_mbps"),
    ],
)
def test_a_sample_that_breaks_a_rule_refuses_the_call_with_its_place(
    changed: dict[str, Any], field: str
):
    rows = [sample(1) | {"link_id": "a"}, sample(2) | {"link_id": "b"} | changed]
    with pytest.raises(InvalidInput) as caught:
        read_samples(json.dumps({"samples": rows}).encode(), 10)
    assert caught.value.field == field


def test_samples_of_one_link_need_no_order():
    content = json.dumps({"samples": [sample(5), sample(3)]}).encode()
    (report,) = read_link_samples(content, "a", 10)
    assert (report.link_id, report.timestamps_s.tolist()) == ("a", [5.0, 3.0])
    with pytest.raises(InvalidInput, match="link_id"):
        read_link_samples(content, "a b", 10)


def test_links_to_forecast_for_may_come_with_a_request_for_advice():
    assert read_link_ids(b'{"link_ids": ["a", "b"]}', 2) == (["a", "b"], None)
    with_advice = {"link_ids": ["a"], "allocation": {"steps": 5}}
    assert read_link_ids(with_advice, 2) == (["a"], AllocationRequest(steps=5))
