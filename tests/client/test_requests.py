"""Bodies are as the API documents them."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest

from pba.client.requests import (
    link_path,
    link_samples_body,
    links_samples_body,
    request,
    requests_body,
    rollout_path,
    transfer_body,
)
from pba.errors import InvalidInput
from pba.types import History, NetworkMetrics

SAMPLES = [
    NetworkMetrics(1e9, 10.0, 5.0),
    NetworkMetrics(datetime.fromtimestamp(1e9 + 1, UTC), 12.0, packet_loss=0.0),
]
ROWS = [
    {"timestamp": 1e9, "bandwidth_mbps": 10.0, "latency_ms": 5.0},
    {"timestamp": 1e9 + 1, "bandwidth_mbps": 12.0, "packet_loss": 0.0},
]


def test_a_request_leaves_out_values_that_were_not_measured():
    body = request(SAMPLES, link_id="a:b", mode="internet")
    assert body == {"history": ROWS, "mode": "internet", "link_id": "a:b"}


def test_a_request_without_a_link_names_none_and_leaves_the_mode_to_detection():
    assert request(SAMPLES) == {"history": ROWS, "mode": "auto"}


def test_a_request_for_advice_without_limits_still_asks_for_advice():
    assert request(SAMPLES, allocation={})["allocation"] == {}


def test_a_history_and_its_samples_give_the_same_body():
    assert request(History.of(SAMPLES)) == request(SAMPLES)


def test_a_body_reads_back_as_the_same_history():
    rows = request(SAMPLES)["history"]
    again = History.of([NetworkMetrics(**row) for row in rows])
    expected = History.of(SAMPLES)
    np.testing.assert_array_equal(again.timestamps_s, expected.timestamps_s)
    np.testing.assert_array_equal(again.telemetry, expected.telemetry)


def test_samples_are_sent_as_they_are_in_any_order_and_what_json_cannot_say_is_null():
    samples = [NetworkMetrics(5.0, math.inf, packet_loss=2.0), NetworkMetrics(1.0, math.nan)]
    assert link_samples_body(samples)["samples"] == [
        {"timestamp": 5.0, "bandwidth_mbps": None, "packet_loss": 2.0},
        {"timestamp": 1.0, "bandwidth_mbps": None},
    ]


def test_many_histories_are_sent_in_columns_without_those_never_measured():
    columns = {
        "timestamp": [1e9, 1e9 + 1],
        "bandwidth_mbps": [10.0, 12.0],
        "latency_ms": [5.0, None],
        "packet_loss": [None, 0.0],
    }
    empty = {"timestamp": [], "bandwidth_mbps": []}
    body = requests_body([SAMPLES, History.of(SAMPLES), []])
    assert body == {"requests": [{"history": part} for part in (columns, columns, empty)]}


def test_each_sample_of_many_links_names_its_link():
    body = links_samples_body({"a": SAMPLES, "b": SAMPLES[:1]})
    names = [(row["link_id"], row["timestamp"]) for row in body["samples"]]
    assert names == [("a", 1e9), ("a", 1e9 + 1), ("b", 1e9)]


def test_a_link_name_stays_one_part_of_the_path():
    assert link_path("a>b@c", "/samples") == "/v1/links/a%3Eb%40c/samples"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../samples", "a?b", "a b", "a" * 201])
def test_a_name_that_leads_to_another_call_is_not_sent(name: str):
    with pytest.raises(InvalidInput, match="link_id"):
        link_path(name, "/samples")


def test_a_time_in_a_query_is_escaped():
    assert rollout_path("2026-11-25T00:00:00+01:00") == (
        "/v1/rollout?since=2026-11-25T00%3A00%3A00%2B01%3A00"
    )


def test_marks_are_sent_where_they_are_set():
    samples = [NetworkMetrics(1.0, 5.0), NetworkMetrics(2.0, 5.0, during_transfer=True)]
    for given in (samples, History.of(samples)):
        first, second = link_samples_body(given)["samples"]
        assert "during_transfer" not in first
        assert second["during_transfer"] is True
        (columns,) = requests_body([given])["requests"]
        assert columns["history"]["during_transfer"] == [False, True]


def test_whether_a_transfer_is_recorded_is_sent_where_it_is_chosen():
    assert transfer_body(10, link_id="a", record=False)["record"] is False
    assert "record" not in transfer_body(10, link_id="a")
