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
from pba.serving.sample_reports import all_refused
from pba.types import COLUMNS, NetworkMode


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


@pytest.mark.parametrize(
    ("value", "shown"), [(True, "a boolean"), ("5", "text"), ([5], "an array"), ({}, "an object")]
)
def test_a_value_of_another_type_is_refused_with_rule_and_type(value: Any, shown: str):
    error = refused(InvalidSample, sample(1), sample(2, packet_loss=value))
    assert error.field == "history[1].packet_loss"
    assert shown in error.message
    assert "between 0 and 1" in error.message


@pytest.mark.parametrize("value", [-1.0, 1.1e7, math.nan, math.inf, -math.inf, None])
def test_a_bandwidth_out_of_range_or_missing_is_refused_with_its_place(value: float | None):
    error = refused(InvalidSample, sample(1), sample(2, bandwidth_mbps=value))
    assert error.field == "history[1].bandwidth_mbps"
    assert ("nan" if value is None else f"{value:.6g}") in error.message


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("latency_ms", 1.1e6),
        ("packet_loss", 1.7965),  # UDP loss of 179 %
        ("packet_loss", -0.5),
        ("jitter_ms", 6e8),
        ("throughput_mbps", math.inf),
    ],
)
def test_an_optional_value_out_of_range_is_missing_and_noted(column: str, value: float):
    content = body(history=[sample(1, **{column: value}), sample(2, **{column: 0.5})])
    for given in (content, json.loads(content)):
        query = read_query(given)
        values = query.history.telemetry[:, COLUMNS.index(column)]
        assert np.isnan(values[0])
        assert values[1] == 0.5
        assert query.ignored_values


def test_nan_is_a_value_that_was_not_measured():
    content = body(history=[sample(1, packet_loss=math.nan), sample(2, packet_loss=0.5)])
    for given in (content, json.loads(content)):
        query = read_query(given)
        np.testing.assert_array_equal(query.history.telemetry[:, 2], [np.nan, 0.5])
        assert not query.ignored_values


@pytest.mark.parametrize("timestamp", [True, "yesterday", {}, "2026-03-01", "x" * 1_000_000])
def test_a_timestamp_of_another_type_is_refused(timestamp: Any):
    error = refused(InvalidRequest, sample(1), sample(timestamp))
    assert error.field == "history[1].timestamp"
    assert len(error.message) < 300


@pytest.mark.parametrize("timestamp", [-1.0, 1e12, None, math.nan])
def test_a_time_outside_1970_to_9999_or_missing_is_refused(timestamp: float | None):
    error = refused(InvalidSample, sample(timestamp), sample(5))
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
    requests = [valid, {"history": [sample(1, bandwidth_mbps=-4)]}, {"hist": 1}, 5, valid]
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
        assert all(not report.refused for report in reports)
        assert [(report.link_id, report.timestamps_s.tolist()) for report in reports] == [
            ("a", [1.0, 3.0]),
            ("b", [2.0]),
        ]
    with pytest.raises(TooLarge, match="3 items"):
        read_samples(json.dumps({"samples": rows}).encode(), 2)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"link_id": "no/path"}, "samples[1].link_id"),
        ({"link_id": "x" * 1_000_000}, "samples[1].link_id"),
        ({"timestamp": 1e15}, "samples[1].timestamp"),
        ({"timestamp": "2026-03-01 12:01:04 UTC"}, "samples[1].timestamp"),
        ({"timestamp": None}, "samples[1].timestamp"),
        ({"bandwidth_mbps": None}, "samples[1].bandwidth_mbps"),
        ({"bandwidth_mbps": math.nan}, "samples[1].bandwidth_mbps"),
        ({"bandwidth_mbps": 2e7, "timestamp": -1}, "samples[1].bandwidth_mbps"),
    ],
)
def test_a_sample_that_breaks_a_rule_costs_no_other(changed: dict[str, Any], field: str):
    rows = [sample(time) | {"link_id": "a"} for time in range(3)]
    rows[1] |= changed
    for content in (json.dumps({"samples": rows}).encode(), {"samples": rows}):
        reports = read_samples(content, 10)
        assert reports[0].link_id == "a"
        assert reports[0].timestamps_s.tolist() == [0.0, 2.0]
        (refused,) = all_refused(reports)
        assert (refused.index, refused.error.field) == (1, field)
        assert len(refused.link_id) <= 101
        assert len(refused.error.message) < 400


def test_optional_values_out_of_range_are_counted_and_their_samples_kept():
    rows = [
        sample(1, packet_loss=1.7965, jitter_ms=6e8),
        sample(2, bandwidth_mbps=-1, jitter_ms=-1),
    ]
    (report,) = read_link_samples(json.dumps({"samples": rows}).encode(), "a", 10)
    assert report.timestamps_s.tolist() == [1.0]
    assert np.isnan(report.telemetry[0, 1:]).all()
    assert report.ignored.tolist() == [2]


def test_samples_of_one_link_need_no_order():
    content = json.dumps({"samples": [sample(5), sample(3)]}).encode()
    (report,) = read_link_samples(content, "a", 10)
    assert (report.link_id, report.timestamps_s.tolist()) == ("a", [5.0, 3.0])
    with pytest.raises(InvalidInput, match="link_id"):
        read_link_samples(content, "a b", 10)


def test_a_handle_call_with_too_many_wrong_items_is_too_large_and_text_is_no_list():
    with pytest.raises(TooLarge, match="over 2 items"):
        read_samples({"samples": [1, 1, 1]}, 2)
    with pytest.raises(InvalidRequest, match="samples is text"):
        read_samples({"samples": "many"}, 2)


def test_links_to_forecast_for_may_come_with_a_request_for_advice():
    assert read_link_ids(b'{"link_ids": ["a", "b"]}', 2) == (["a", "b"], None)
    with_advice = {"link_ids": ["a"], "allocation": {"steps": 5}}
    assert read_link_ids(with_advice, 2) == (["a"], AllocationRequest(steps=5))
