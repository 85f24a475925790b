"""Histories in columns, and bulk bodies as a whole, item by item and chunk by chunk."""

import json
import math
from typing import Any

import numpy as np
import pytest

from deployments.ingress import body_decoding
from deployments.ingress.request_reading import read_link_samples, read_queries, read_query
from pba.errors import InvalidInput, InvalidSample, TooLarge
from pba.forecasting import Query
from pba.serving.chunking import CHUNK
from pba.serving.lazy_queries import LazyQueries


def sample(timestamp: Any = 0.0, **fields: Any) -> dict[str, Any]:
    return {"timestamp": timestamp, "bandwidth_mbps": 5.0, **fields}


def in_columns(**columns: Any) -> bytes:
    return json.dumps({"history": columns}).encode()


def test_columns_are_the_rows_that_they_stand_for():
    rows = [sample(1, latency_ms=4.0), sample("2026-03-01T12:00:00Z", packet_loss=0.5)]
    columns = in_columns(
        timestamp=[1, "2026-03-01T12:00:00Z"],
        bandwidth_mbps=[5, 5.0],
        latency_ms=[4.0, None],
        packet_loss=[None, 0.5],
        jitter_ms=None,
    )
    expected, query = read_query({"history": rows}).history, read_query(columns).history
    np.testing.assert_array_equal(query.timestamps_s, expected.timestamps_s)
    np.testing.assert_array_equal(query.telemetry, expected.telemetry)


def test_columns_may_be_empty():
    assert len(read_query(in_columns(timestamp=[], bandwidth_mbps=[])).history) == 0


def test_columns_from_a_handle_may_be_arrays():
    columns = {"timestamp": np.arange(3), "bandwidth_mbps": np.array([5, np.nan, 7], np.float32)}
    with pytest.raises(InvalidSample) as caught:
        read_query({"history": columns})
    assert caught.value.field == "history[1].bandwidth_mbps"
    columns["bandwidth_mbps"][1] = 6
    assert read_query({"history": columns}).history.telemetry[:, 0].tolist() == [5.0, 6.0, 7.0]


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        ({"timestamp": [1, 2], "bandwidth_mbps": [5]}, "history.bandwidth_mbps"),
        (
            {"timestamp": [1], "bandwidth_mbps": [5], "jitter_ms": []},
            "history.jitter_ms",
        ),
        ({"timestamp": [1]}, "history.bandwidth_mbps"),
        ({"timestamp": [1], "bandwidth_mbps": [True]}, "history.bandwidth_mbps[0]"),
        ({"timestamp": [1], "bandwidth_mbps": [5], "loss": [1]}, "history.loss"),
        ({"timestamp": [5, "noon"], "bandwidth_mbps": [5, 5]}, "history[1].timestamp"),
        ({"timestamp": [5, 6], "bandwidth_mbps": [5, None]}, "history[1].bandwidth_mbps"),
    ],
)
def test_columns_that_break_a_rule_are_refused_with_the_place(columns: Any, field: str):
    with pytest.raises(InvalidInput) as caught:
        read_query(in_columns(**columns))
    assert caught.value.field == field


def test_samples_of_one_link_may_be_in_columns():
    columns = {"timestamp": [1, 2, 3], "bandwidth_mbps": [5, -1, 7], "packet_loss": [2, 0, 0]}
    content = json.dumps({"samples": columns}).encode()
    (report,) = read_link_samples(content, "a", 3)
    assert report.timestamps_s.tolist() == [1.0, 3.0]
    assert report.ignored.tolist() == [1, 0]
    assert [one.error.field for one in report.refused] == ["samples[1].bandwidth_mbps"]
    with pytest.raises(TooLarge, match="3 items"):
        read_link_samples(content, "a", 2)


def test_many_small_items_are_read_as_few_large_ones_are(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(body_decoding, "_SMALL_BYTES", 0)
    columns = {"timestamp": list(range(40)), "bandwidth_mbps": [5] * 40}
    content = json.dumps({"requests": [{"history": columns}] * 3 + [5]}, separators=(",", ":"))
    items = read_queries(content.encode(), 4)
    assert [type(item).__name__ for item in items] == ["Query"] * 3 + ["InvalidRequest"]
    with pytest.raises(TooLarge, match="over 3 items"):
        read_queries(content.encode(), 3)


def many(count: int, **fields: Any) -> bytes:
    item = {"history": [sample(1), sample(2)], **fields}
    return json.dumps({"requests": [item] * count}).encode()


def test_many_requests_without_a_link_are_read_when_they_are_due():
    queries = read_queries(many(CHUNK + 1), 1000)
    assert isinstance(queries, LazyQueries)
    assert [type(query) for query in queries[CHUNK:]] == [Query]


@pytest.mark.parametrize(
    "body",
    [
        many(CHUNK),
        many(CHUNK + 1, link_id="a"),
        many(CHUNK + 1, color="red"),
        many(CHUNK + 1, history=[sample(time) for time in range(1001)]),
        json.loads(many(CHUNK + 1)),
    ],
)
def test_few_named_faulty_or_long_requests_are_read_at_once(body: Any):
    assert isinstance(read_queries(body, 1000), list)


def test_a_very_large_body_is_decoded_item_by_item(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(body_decoding, "_WHOLE_BYTES", 0)
    first, second = read_queries(many(2), 10)
    assert isinstance(first, Query)
    assert isinstance(second, Query)
    np.testing.assert_array_equal(first.history.telemetry, second.history.telemetry)


def test_nan_in_a_bulk_body_costs_no_other_request():
    valid, wrong = [sample(1), sample(2)], [sample(1), sample(2, bandwidth_mbps=math.nan)]
    content = json.dumps({"requests": [{"history": valid}, {"history": wrong}]}).encode()
    first, second = read_queries(content, 5)
    assert isinstance(first, Query)
    assert isinstance(second, InvalidSample)
    assert second.field == "history[1].bandwidth_mbps"
