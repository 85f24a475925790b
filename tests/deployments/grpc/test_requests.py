import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from deployments.grpc import pba_pb2 as pb
from deployments.grpc.requests import read_observations, read_queries, read_query
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
from pba.types import COLUMNS, LIMITS, History, NetworkMode
from tests.deployments.grpc.messages import request


def sample(moment: float = 0.0, **fields: Any) -> pb.Sample:
    return pb.Sample(**{"timestamp_s": moment, "bandwidth_mbps": 5.0, **fields})


def asked(*samples: pb.Sample, **fields: Any) -> pb.ForecastRequest:
    return pb.ForecastRequest(history=samples or [sample(1), sample(2)], **fields)


def refused(kind: type[PBAError], message: pb.ForecastRequest) -> PBAError:
    with pytest.raises(kind) as caught:
        read_query(message)
    assert type(caught.value) is kind
    return caught.value


values = {name: st.floats(0, limit.highest) for name, limit in LIMITS.items()}
optional = [st.one_of(st.just(math.nan), values[name]) for name in COLUMNS[1:]]
rows = st.tuples(values["bandwidth_mbps"], *optional)


@given(st.lists(st.floats(0, 2e9), unique=True, max_size=5).map(sorted), st.data())
def test_a_history_comes_through_unchanged_and_what_is_missing_stays_missing(
    moments: list[float], data: st.DataObject
):
    table = [data.draw(rows) for _ in moments]
    history = History(np.array(moments), np.array(table).reshape(-1, len(COLUMNS)))
    read = read_query(request(history)).history
    np.testing.assert_array_equal(read.timestamps_s, history.timestamps_s)
    np.testing.assert_array_equal(read.telemetry, history.telemetry)


def test_zero_is_a_measurement_and_not_a_missing_one():
    read = read_query(asked(sample(1, packet_loss=0.0), sample(2)))
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
def test_an_unspecified_mode_means_detect_and_others_are_taken(
    number: pb.Mode, mode: NetworkMode | None
):
    assert read_query(asked(mode=number)).mode is mode


def test_every_mode_of_the_proto_has_one_of_ours():
    for number in pb.Mode.values():
        read_query(asked(mode=number))


def test_a_mode_that_does_not_exist_lists_those_that_do():
    error = refused(InvalidMode, asked(mode=7))
    assert error.field == "mode"
    assert "MODE_HYBRID" in error.message


def test_a_link_id_is_taken_and_checked():
    assert read_query(asked(link_id="fra1:ams2")).link_id == "fra1:ams2"
    assert read_query(asked()).link_id is None
    assert refused(InvalidInput, asked(link_id="")).field == "link_id"


def test_advice_is_asked_for_as_over_http():
    assert read_query(asked()).allocation is None
    assert read_query(asked(allocation={})).allocation == AllocationRequest()
    wanted = {"quantile": 0.25, "steps": 5, "max_streams": 8, "min_rate_mbps": 2.0}
    assert read_query(asked(allocation=wanted)).allocation == AllocationRequest(**wanted)
    error = refused(InvalidRequest, asked(allocation={"steps": 2}))
    assert error.field == "allocation.steps"


def test_what_may_be_asked_of_advice_has_the_fields_of_json():
    names = {field.name for field in pb.AllocationRequest.DESCRIPTOR.fields}
    assert names == set(AllocationRequest.__dataclass_fields__)


@pytest.mark.parametrize("name", ["timestamp_s", "bandwidth_mbps"])
def test_a_required_field_that_is_missing_is_named_with_its_place(name: str):
    lacking = sample(2)
    lacking.ClearField(name)  # type: ignore[arg-type]
    error = refused(InvalidRequest, asked(sample(1), lacking))
    assert error.field == f"history[1].{name}"


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 2e7])
def test_a_value_that_is_none_of_its_kind_is_refused_with_its_place(name: str, value: float):
    error = refused(InvalidSample, asked(sample(1), sample(2, **{name: value})))
    assert error.field == f"history[1].{name}"
    assert f"{value:.6g}" in error.message


@pytest.mark.parametrize("moment", [math.nan, math.inf, -1.0, 1e12])
def test_a_time_that_is_none_is_refused(moment: float):
    error = refused(InvalidSample, asked(sample(moment), sample(moment)))
    assert error.field == "history[0].timestamp"  # `writing.detail` names it as the proto does


def test_times_that_do_not_increase_name_both_samples():
    error = refused(InvalidHistory, asked(sample(1), sample(3), sample(3)))
    assert "history[1]" in error.message
    assert "history[2]" in error.message


def test_fields_that_the_proto_does_not_have_are_refused_wherever_they_are():
    content = sample(2).SerializeToString() + b"\x7a\x01a"  # field 15, one letter
    newer = asked(sample(1), pb.Sample.FromString(content))
    many = pb.ForecastBatchRequest(requests=[newer])
    assert "3 bytes" in refused(InvalidRequest, newer).message
    with pytest.raises(InvalidRequest, match=r"pba\.proto"):
        read_queries(many, most=1)


def test_a_batch_keeps_order_and_puts_errors_in_their_place():
    message = pb.ForecastBatchRequest(
        requests=[asked(), asked(sample(1, packet_loss=4.0)), asked(mode=9), asked()]
    )
    kinds = [type(item).__name__ for item in read_queries(message, most=4)]
    assert kinds == ["Query", "InvalidSample", "InvalidMode", "Query"]
    with pytest.raises(TooLarge, match="4 items"):
        read_queries(message, most=3)


def test_observations_have_the_names_of_json_and_leave_out_what_is_missing():
    message = pb.ObserveRequest(
        samples=[
            pb.LinkSample(link_id="a", sample=sample(1.5, jitter_ms=0.0)),
            pb.LinkSample(link_id="b", sample=pb.Sample(bandwidth_mbps=2.0)),
        ]
    )
    assert read_observations(message, most=2) == {
        "samples": [
            {"link_id": "a", "timestamp": 1.5, "bandwidth_mbps": 5.0, "jitter_ms": 0.0},
            {"link_id": "b", "bandwidth_mbps": 2.0},
        ]
    }
    with pytest.raises(TooLarge, match="samples has 2 items"):
        read_observations(message, most=1)
