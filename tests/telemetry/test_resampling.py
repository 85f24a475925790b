"""Resampled traces keep what was transferred, and invent nothing where nothing was measured."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from pba.errors import InvalidTrace
from pba.telemetry.resampling import resampled
from pba.telemetry.trace import Trace


def trace(times: list[float], rates: list[float], **columns: list[float]) -> Trace:
    telemetry = np.full((len(times), 5), np.nan)
    telemetry[:, 0] = rates
    if "latency" in columns:
        telemetry[:, 1] = columns["latency"]
    return Trace("a", "test", np.array(times), telemetry)


def slow_mean(times: list[float], rates: list[float], start: float, end: float) -> float:
    """Return the mean over ``start`` to ``end``, in two hundred parts."""
    at = np.linspace(start, end, 401)[1::2]
    return float(np.mean([rates[np.searchsorted(times, moment)] for moment in at]))


@given(
    st.lists(st.tuples(st.floats(0.2, 0.9), st.floats(0, 1e4)), min_size=4, max_size=30),
    st.sampled_from([0.25, 1.0, 3.0]),
)
@settings(max_examples=20, deadline=None)
def test_each_value_is_the_time_weighted_mean_of_its_step(
    parts: list[tuple[float, float]], step_s: float
):
    times = np.cumsum([wait for wait, _ in parts]).tolist()
    rates = [rate for _, rate in parts]
    result = resampled(trace(times, rates), step_s)
    for end, mean in zip(result.timestamps_s, result.telemetry[:, 0], strict=True):
        if end - step_s > times[0] and end <= times[-1]:
            expected = slow_mean(times, rates, end - step_s, end)
            assert mean == pytest.approx(expected, abs=max(rates) * 0.04 + 1e-9)


def test_the_same_step_changes_nothing():
    same = resampled(trace([1.0, 2.0, 3.0], [10.0, 20.0, 30.0]), 1.0)
    assert same.timestamps_s.tolist() == [1.0, 2.0, 3.0]
    assert same.telemetry[:, 0].tolist() == [10.0, 20.0, 30.0]
    assert same.split == "test"


def test_a_gap_stays_a_gap():
    times = [1.0, 2.0, 3.0, 4.0, 100.0, 101.0]
    result = resampled(trace(times, [10.0] * 6), 2.0)
    assert result.timestamps_s.tolist() == [2.0, 4.0, 100.0, 102.0]


def test_a_column_counts_where_it_was_measured():
    latency = [8.0, np.nan, np.nan, np.nan]
    result = resampled(trace([1.0, 2.0, 3.0, 4.0], [1.0] * 4, latency=latency), 2.0)
    assert result.telemetry[0, 1] == 8.0
    assert np.isnan(result.telemetry[1, 1])


def test_too_many_steps_are_refused():
    with pytest.raises(InvalidTrace, match="at most 1e7. Choose a longer step"):
        resampled(trace([0.0, 1e9], [1.0, 1.0]), 1.0)


def test_a_step_is_marked_if_a_part_of_it_is():
    trace = Trace("a", "", np.arange(1.0, 5.0), np.ones((4, 5)))
    assert resampled(trace, 2.0).during_transfer is None
    marked = replace(trace, during_transfer=np.array([False, False, True, False]))
    assert resampled(marked, 2.0).marks.tolist() == [False, True]
