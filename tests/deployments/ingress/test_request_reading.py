import json
import math
from typing import Any

import numpy as np
import pytest

from deployments.ingress.request_reading import (
    encode,
    read_bulk_samples,
    read_link_ids,
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
from pba.types import NetworkMode


def sample(moment: Any = 0.0, **fields: Any) -> dict[str, Any]:
    return {"timestamp": moment, "bandwidth_mbps": 5.0, **fields}


def body(**fields: Any) -> bytes:
    return json.dumps({"history": [sample(1), sample(2)], **fields}).encode()


def refused(kind: type[PBAError], *samples: Any, **fields: Any) -> PBAError:
    with pytest.raises(kind) as caught:
        read_query(body(history=list(samples), **fields) if samples else body(**fields))
    assert type(caught.value) is kind
    return caught.value


def test_times_may_be_rfc_3339_or_unix_seconds():
    query = read_query(body(history=[sample("2026-03-01T12:00:00Z"), sample(1772366401)]))
    assert query.history.timestamps_s.tolist() == [1772366400.0, 1772366401.0]


def test_an_offset_is_taken_into_account_and_none_means_utc():
    given = [sample("2026-03-01T13:00:00+01:00"), sample("2026-03-01T12:00:01")]
    query = read_query(body(history=given))
    assert query.history.timestamps_s.tolist() == [1772366400.0, 1772366401.0]


def test_what_is_absent_or_null_stays_missing():
    query = read_query(body(history=[sample(1, latency_ms=None), sample(2, packet_loss=0.5)]))
    assert np.isnan(query.history.telemetry[0, 1:]).all()
    assert query.history.telemetry[1, 2] == 0.5


def test_mode_auto_means_detect_and_others_are_taken():
    assert read_query(body()).mode is None
    assert read_query(body(mode="auto")).mode is None
    assert read_query(body(mode="hybrid")).mode is NetworkMode.HYBRID


def test_a_body_that_is_not_json_is_said_to_be_so():
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


@pytest.mark.parametrize("moment", [True, "yesterday", None, {}])
def test_a_time_that_is_none_is_refused(moment: Any):
    error = refused(InvalidRequest, sample(1), sample(moment))
    assert error.field == "history[1].timestamp"


@pytest.mark.parametrize("moment", [-1.0, 1e12])
def test_a_time_outside_1970_to_9999_is_refused(moment: float):
    error = refused(InvalidSample, sample(moment), sample(moment + 1))
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


def test_a_bulk_body_keeps_order_and_puts_errors_in_their_place():
    good = {"history": [sample(1), sample(2)]}
    requests = [good, {"history": [sample(1, packet_loss=4)]}, {"hist": 1}, 5, good]
    read = read_queries(json.dumps({"requests": requests}).encode(), most=5)
    kinds = [type(item).__name__ for item in read]
    assert kinds == ["Query", "InvalidSample", "InvalidRequest", "InvalidRequest", "Query"]


def test_more_items_than_allowed_are_refused_as_a_whole():
    with pytest.raises(TooLarge, match="3 items"):
        read_queries(json.dumps({"requests": [{}] * 3}).encode(), most=2)


def test_a_bulk_body_without_requests_is_refused():
    with pytest.raises(InvalidRequest, match="requests is missing"):
        read_queries(b"{}", most=2)


def test_encoding_keeps_nan_for_reading_to_refuse():
    given = {"history": [sample(1), sample(2, latency_ms=math.nan)]}
    with pytest.raises(InvalidSample, match="nan"):
        read_query(encode(given))


def test_encoding_what_json_has_no_form_for_is_refused():
    with pytest.raises(InvalidRequest, match="JSON"):
        encode({"history": object()})


def test_advice_is_asked_for_with_limits_that_are_checked():
    asked = {"history": [sample()]} | {"allocation": {"max_streams": 4}}
    wanted = read_query(json.dumps(asked).encode()).allocation
    assert wanted is not None
    assert wanted.max_streams == 4
    for wrong, field in (({"quantile": 2}, "allocation.quantile"), ({"x": 1}, "allocation.x")):
        with pytest.raises(InvalidRequest) as caught:
            read_query(json.dumps({"history": [sample()]} | {"allocation": wrong}).encode())
        assert caught.value.field == field


def test_samples_are_told_apart_by_link_and_blamed_by_their_place():
    rows = [
        sample(1) | {"link_id": "a"},
        sample(2) | {"link_id": "b"},
        sample(3) | {"link_id": "a"},
    ]
    reports = read_bulk_samples(json.dumps({"samples": rows}).encode(), 10)
    assert [(one.link_id, one.timestamps_s.tolist()) for one in reports] == [
        ("a", [1.0, 3.0]),
        ("b", [2.0]),
    ]
    for changed, field in (
        ({"packet_loss": 2}, "samples[1].packet_loss"),
        ({"link_id": "no/path"}, "samples[1].link_id"),
        ({"timestamp": 1e15}, "samples[1].timestamp"),
        ({"timestamp": "noon"}, "samples[1].timestamp"),
        ({"bandwidth_mbps": None}, "samples[1].bandwidth_mbps"),
    ):
        wrong = [rows[0], rows[1] | changed]
        with pytest.raises(InvalidInput) as caught:
            read_bulk_samples(json.dumps({"samples": wrong}).encode(), 10)
        assert caught.value.field == field
    with pytest.raises(TooLarge, match="3 items"):
        read_bulk_samples(json.dumps({"samples": rows}).encode(), 2)


def test_samples_of_one_link_need_no_order():
    body = json.dumps({"samples": [sample(5), sample(3)]}).encode()
    (found,) = read_samples(body, "a", 10)
    assert found.timestamps_s.tolist() == [5.0, 3.0]
    with pytest.raises(InvalidInput, match="link_id"):
        read_samples(body, "a b", 10)
    assert read_link_ids(b'{"link_ids": ["a", "b"]}', 2) == (["a", "b"], None)
