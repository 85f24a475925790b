"""A history refuses samples out of range or out of order, and names them."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.errors import InvalidHistory, InvalidSample
from pba.types import COLUMNS, LIMITS, History, NetworkMetrics


def samples(count: int) -> list[NetworkMetrics]:
    return [NetworkMetrics(100.0 + i, 10.0 * i, 5.0, 0.01, 1.0, 9.0) for i in range(count)]


def test_a_history_has_the_samples_in_order():
    history = History.of(samples(4))
    assert len(history) == 4
    assert history.timestamps_s.tolist() == [100.0, 101.0, 102.0, 103.0]
    assert history.telemetry[2].tolist() == [20.0, 5.0, 0.01, 1.0, 9.0]


def test_no_samples_make_an_empty_history():
    assert History.of([]).telemetry.shape == (0, 5)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 9])
def test_the_first_and_last_samples_are_slices_of_the_list(count):
    history, times = History.of(samples(4)), [100.0, 101.0, 102.0, 103.0]
    assert history.first(count).timestamps_s.tolist() == times[:count]
    assert history.last(count).timestamps_s.tolist() == (times[-count:] if count else [])
    assert len(history.last(count).telemetry) == min(count, 4)


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("row", [0, 2])
def test_a_value_out_of_range_is_named(name, row):
    column = COLUMNS.index(name)
    for wrong in (-1e-9, LIMITS[name].highest * 1.001, math.inf, -math.inf):
        telemetry = History.of(samples(3)).telemetry.copy()
        telemetry[row, column] = wrong
        with pytest.raises(InvalidSample, match=name) as caught:
            History(np.arange(3.0), telemetry)
        assert caught.value.field == f"history[{row}].{name}"


@pytest.mark.parametrize("name", COLUMNS)
def test_both_ends_of_a_range_belong_to_it(name):
    telemetry = np.ones((2, 5))
    telemetry[:, COLUMNS.index(name)] = 0.0, LIMITS[name].highest
    assert len(History(np.arange(2.0), telemetry)) == 2


def test_bandwidth_is_required_and_the_rest_is_optional():
    telemetry = np.full((3, 5), np.nan)
    telemetry[:, 0] = 1.0
    assert len(History(np.arange(3.0), telemetry)) == 3
    telemetry[1, 0] = np.nan
    with pytest.raises(InvalidSample, match="bandwidth_mbps is nan") as caught:
        History(np.arange(3.0), telemetry)
    assert caught.value.field == "history[1].bandwidth_mbps"


def test_a_percentage_gets_the_remedy_for_percentages():
    with pytest.raises(InvalidSample, match="Divide percentages by 100"):
        History.of([NetworkMetrics(0.0, 1.0, packet_loss=1.7)])


@pytest.mark.parametrize("late", [1.0, 0.5])
def test_timestamps_must_increase(late):
    with pytest.raises(
        InvalidHistory, match=r"history\[1\] is at 1.0.* and history\[2\]"
    ) as caught:
        History(np.array([0.0, 1.0, late]), np.ones((3, 5)))
    assert caught.value.field == "history[2].timestamp"


@pytest.mark.parametrize("timestamp", [-1.0, math.nan, math.inf, 1_772_366_400_000.0])
def test_a_time_before_1970_or_in_milliseconds_is_refused(timestamp):
    with pytest.raises(InvalidSample, match="Unix seconds") as caught:
        History(np.array([0.0, timestamp]), np.ones((2, 5)))
    assert caught.value.field == "history[1].timestamp"


@given(
    st.lists(st.one_of(st.floats(), st.floats(0, 1)), min_size=5, max_size=5),
    st.floats(0, 1e10),
)
def test_a_history_is_refused_exactly_if_a_value_exceeds_its_limit(values, timestamp):
    valid = all(
        0 <= value <= LIMITS[name].highest or (math.isnan(value) and name != "bandwidth_mbps")
        for name, value in zip(COLUMNS, values, strict=True)
    )
    try:
        History.of([NetworkMetrics(timestamp, *values)])
    except InvalidSample:
        assert not valid
    else:
        assert valid


def test_the_marks_of_samples_go_with_them():
    samples = [NetworkMetrics(float(at), 5.0, during_transfer=at == 3) for at in range(5)]
    history = History.of(samples)
    assert history.during_transfer.tolist() == [False] * 3 + [True, False]
    assert history.last(2).during_transfer.tolist() == [True, False]
    assert history.first(4).last(1).during_transfer.tolist() == [True]
    assert history.with_telemetry(np.ones((5, 5))).during_transfer is history.during_transfer
    assert History.of(samples[:3]).during_transfer is None
