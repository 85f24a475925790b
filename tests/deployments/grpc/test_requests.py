"""Requests of the proto as domain objects, and what is refused."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from deployments.grpc import pba_pb2 as pb
from deployments.grpc.link_requests import read_transfer
from deployments.grpc.requests import read_queries, read_query, read_reports
from pba.errors import (
    InvalidHistory,
    InvalidInput,
    InvalidMode,
    InvalidRequest,
    InvalidSample,
    PBAError,
    TooLarge,
)
from pba.forecasting.allocation import AllocationRequest
from pba.serving.sample_reports import all_refused
from pba.types import COLUMNS, LIMITS, History, NetworkMode
from tests.deployments.grpc.messages import request


def sample(time_s: float = 0.0, **fields: Any) -> pb.Sample:
    return pb.Sample(**{"timestamp_s": time_s, "bandwidth_mbps": 5.0, **fields})


def message(*samples: pb.Sample, **fields: Any) -> pb.ForecastRequest:
    return pb.ForecastRequest(history=samples or [sample(1), sample(2)], **fields)


def refused(kind: type[PBAError], sent: pb.ForecastRequest) -> PBAError:
    with pytest.raises(kind) as caught:
        read_query(sent)
    assert type(caught.value) is kind
    return caught.value


values = {name: st.floats(0, limit.highest) for name, limit in LIMITS.items()}
optional = [st.one_of(st.just(math.nan), values[name]) for name in COLUMNS[1:]]
rows = st.tuples(values["bandwidth_mbps"], *optional)


@given(st.lists(st.floats(0, 2e9), unique=True, max_size=5).map(sorted), st.data())
def test_a_history_is_read_unchanged_and_missing_values_stay_missing(
    times_s: list[float], data: st.DataObject
):
    table = [data.draw(rows) for _ in times_s]
    history = History(np.array(times_s), np.array(table).reshape(-1, len(COLUMNS)))
    read = read_query(request(history)).history
    np.testing.assert_array_equal(read.timestamps_s, history.timestamps_s)
    np.testing.assert_array_equal(read.telemetry, history.telemetry)


def test_zero_is_a_measurement_and_not_a_missing_one():
    read = read_query(message(sample(1, packet_loss=0.0), sample(2)))
    assert read.history.telemetry[0, 2] == 0.0
    assert math.isnan(read.history.telemetry[1, 2])


@pytest.mark.parametrize(
    ("number", "mode"),
    [
        (pb.MODE_UNSPECIFIED, None),
        (pb.MODE_DATACENTER, NetworkMode.DATACENTER),
        (pb.MODE_INTERNET, NetworkMode.INTERNET),
        (pb.MODE_HYBRID, NetworkMode.HYBRID),
    ],
)
def test_an_unspecified_mode_is_to_be_detected_and_others_are_used(
    number: pb.Mode, mode: NetworkMode | None
):
    assert read_query(message(mode=number)).mode is mode


def test_every_mode_of_the_proto_is_read():
    for number in pb.Mode.values():
        read_query(message(mode=number))


def test_a_mode_that_does_not_exist_is_refused_with_those_that_do():
    error = refused(InvalidMode, message(mode=7))
    assert error.field == "mode"
    assert "MODE_HYBRID" in error.message


def test_a_link_id_is_read_and_checked():
    assert read_query(message(link_id="fra1:ams2")).link_id == "fra1:ams2"
    assert read_query(message()).link_id is None
    assert refused(InvalidInput, message(link_id="")).field == "link_id"


def test_advice_is_requested_as_over_http():
    assert read_query(message()).allocation is None
    assert read_query(message(allocation={})).allocation == AllocationRequest()
    fields = {"quantile": 0.25, "steps": 5, "max_streams": 8, "min_rate_mbps": 2.0}
    assert read_query(message(allocation=fields)).allocation == AllocationRequest(**fields)
    error = refused(InvalidRequest, message(allocation={"steps": 2}))
    assert error.field == "allocation.steps"


def test_a_request_for_advice_has_the_fields_of_json():
    names = {field.name for field in pb.AllocationRequest.DESCRIPTOR.fields}
    assert names == set(AllocationRequest.__dataclass_fields__)


@pytest.mark.parametrize("name", ["timestamp_s", "bandwidth_mbps"])
def test_a_required_field_that_is_missing_is_named_with_its_place(name: str):
    lacking = sample(2)
    lacking.ClearField(name)  # type: ignore[arg-type]
    error = refused(InvalidRequest, message(sample(1), lacking))
    assert error.field == f"history[1].{name}"


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 2e7])
def test_a_bandwidth_out_of_range_is_refused_with_its_place(value: float):
    error = refused(InvalidSample, message(sample(1), sample(2, bandwidth_mbps=value)))
    assert error.field == "history[1].bandwidth_mbps"
    assert f"{value:.6g}" in error.message


@pytest.mark.parametrize("name", COLUMNS[1:])
@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 2e7])
def test_an_optional_value_out_of_range_is_missing_and_noted(name: str, value: float):
    query = read_query(message(sample(1), sample(2, **{name: value})))
    assert np.isnan(query.history.telemetry[1, COLUMNS.index(name)])
    assert query.ignored_values == (not math.isnan(value))


def test_a_history_in_columns_is_the_one_in_rows():
    columns = pb.HistoryColumns(
        timestamp_s=[1, 2], bandwidth_mbps=[5, 6], latency_ms=[math.nan, 7], packet_loss=[0, 3]
    )
    query = read_query(pb.ForecastRequest(columns=columns))
    rows = message(
        sample(1, packet_loss=0.0), sample(2, bandwidth_mbps=6.0, latency_ms=7.0, packet_loss=3.0)
    )
    expected = read_query(rows)
    np.testing.assert_array_equal(query.history.timestamps_s, expected.history.timestamps_s)
    np.testing.assert_array_equal(query.history.telemetry, expected.history.telemetry)
    assert query.ignored_values


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (pb.ForecastRequest(history=[sample(1)], columns={"timestamp_s": [1]}), "columns"),
        (pb.ForecastRequest(columns={"timestamp_s": [1]}), "columns.bandwidth_mbps"),
        (
            pb.ForecastRequest(
                columns={"timestamp_s": [1], "bandwidth_mbps": [5], "jitter_ms": [1, 2]}
            ),
            "columns.jitter_ms",
        ),
        (
            pb.ForecastRequest(
                columns={"timestamp_s": [1, 2], "bandwidth_mbps": [5, 5], "during_transfer": [True]}
            ),
            "columns.during_transfer",
        ),
    ],
)
def test_columns_have_one_length_and_stand_instead_of_rows(sent: pb.ForecastRequest, field: str):
    assert refused(InvalidRequest, sent).field == field


@pytest.mark.parametrize("time_s", [math.nan, math.inf, -1.0, 1e12])
def test_a_time_out_of_range_is_refused(time_s: float):
    error = refused(InvalidSample, message(sample(time_s), sample(2)))
    assert error.field == "history[0].timestamp"  # `error_detail` names it as the proto does


def test_times_that_do_not_increase_name_both_samples():
    error = refused(InvalidHistory, message(sample(1), sample(3), sample(3)))
    assert "history[1]" in error.message
    assert "history[2]" in error.message


def test_fields_that_the_proto_does_not_have_are_refused_at_any_depth():
    content = sample(2).SerializeToString() + b"\x7a\x01a"  # field 15, one letter
    newer = message(sample(1), pb.Sample.FromString(content))
    many = pb.ForecastBatchRequest(requests=[newer])
    assert "3 bytes" in refused(InvalidRequest, newer).message
    with pytest.raises(InvalidRequest, match=r"pba\.proto"):
        read_queries(many, limit=1)


def test_a_batch_has_errors_in_their_places():
    sent = pb.ForecastBatchRequest(
        requests=[message(), message(sample(1, bandwidth_mbps=-4.0)), message(mode=9), message()]
    )
    kinds = [type(item).__name__ for item in read_queries(sent, limit=4)]
    assert kinds == ["Query", "InvalidSample", "InvalidMode", "Query"]
    with pytest.raises(TooLarge, match="4 items"):
        read_queries(sent, limit=3)


def link_sample(link_id: str, time_s: float = 0.0, **fields: Any) -> pb.LinkSample:
    return pb.LinkSample(link_id=link_id, sample=sample(time_s, **fields))


def test_samples_are_read_as_one_report_per_link():
    sent = pb.ObserveRequest(
        samples=[
            link_sample("a", 3.0, jitter_ms=0.0),
            link_sample("b", 2.0),
            link_sample("a", 1.0, bandwidth_mbps=7.0),
        ]
    )
    first, second = read_reports(sent, limit=3)
    assert (first.link_id, first.timestamps_s.tolist()) == ("a", [3.0, 1.0]), "in any order"
    assert first.telemetry[:, 0].tolist() == [5.0, 7.0]
    assert first.telemetry[0, 3] == 0.0
    assert np.isnan(first.telemetry[0, [1, 2, 4]]).all()
    assert (second.link_id, second.timestamps_s.tolist()) == ("b", [2.0])
    with pytest.raises(TooLarge, match="samples has 3 items"):
        read_reports(sent, limit=2)
    assert read_reports(pb.ObserveRequest(), limit=0) == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        (link_sample("b", 2.0, bandwidth_mbps=math.nan), "samples[1].bandwidth_mbps"),
        (link_sample("b", 1e15), "samples[1].timestamp"),
        (link_sample("no/path", 2.0), "samples[1].link_id"),
        (link_sample("", 2.0), "samples[1].link_id"),
    ],
)
def test_a_sample_that_breaks_a_rule_costs_no_other(changed: pb.LinkSample, field: str):
    sent = pb.ObserveRequest(samples=[link_sample("a", 1.0), changed, link_sample("a", 2.0)])
    reports = read_reports(sent, limit=3)
    assert reports[0].timestamps_s.tolist() == [1.0, 2.0]
    (one,) = all_refused(reports)
    assert (one.index, one.link_id, one.error.field) == (1, changed.link_id, field)


def test_optional_values_out_of_range_are_counted_and_their_samples_kept():
    sent = pb.ObserveRequest(samples=[link_sample("a", 1.0, packet_loss=2.0, jitter_ms=6e8)])
    (report,) = read_reports(sent, limit=1)
    assert report.ignored.tolist() == [2]
    assert np.isnan(report.telemetry[0, 1:]).all()


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        (
            pb.LinkSample(link_id="b", sample=pb.Sample(timestamp_s=2.0)),
            "samples[1].bandwidth_mbps",
        ),
        (pb.LinkSample(link_id="b"), "samples[1].timestamp_s"),
    ],
)
def test_a_sample_without_a_required_field_refuses_the_call_with_its_place(
    changed: pb.LinkSample, field: str
):
    sent = pb.ObserveRequest(samples=[link_sample("a", 1.0), changed])
    with pytest.raises(InvalidInput) as caught:
        read_reports(sent, limit=2)
    assert caught.value.field == field


def test_samples_with_fields_that_the_proto_does_not_have_are_refused():
    content = link_sample("a").SerializeToString() + b"\x7a\x01a"
    sent = pb.ObserveRequest(samples=[pb.LinkSample.FromString(content)])
    with pytest.raises(InvalidRequest, match=r"pba\.proto"):
        read_reports(sent, limit=1)


def test_marks_of_samples_are_read_from_rows_columns_and_reports():
    query = read_query(message(sample(1), sample(2, during_transfer=True)))
    assert query.history.during_transfer.tolist() == [False, True]
    columns = {"timestamp_s": [1, 2], "bandwidth_mbps": [5, 5], "during_transfer": [True, False]}
    query = read_query(pb.ForecastRequest(columns=columns))
    assert query.history.during_transfer.tolist() == [True, False]
    assert read_query(message()).history.during_transfer is None
    samples = [
        pb.LinkSample(link_id="a", sample=sample(at, during_transfer=at == 1)) for at in (1, 2)
    ]
    (report,) = read_reports(pb.ObserveRequest(samples=samples), 10)
    assert report.during_transfer.tolist() == [True, False]


def test_whether_a_transfer_is_recorded_is_read_where_it_is_chosen():
    assert read_transfer(pb.TransferRequest(link_id="a", bytes=1)).record is None
    assert read_transfer(pb.TransferRequest(link_id="a", bytes=1, record=True)).record is True
    with pytest.raises(InvalidRequest) as caught:
        read_transfer(pb.TransferRequest(history=[sample(1), sample(2)], bytes=1, record=True))
    assert caught.value.field == "record"
