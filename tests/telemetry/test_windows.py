"""Gaps, spacing, volatility and sliding windows."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.telemetry.windows import (
    GAP_INTERVALS,
    Spacing,
    since_last_gap,
    sliding_windows,
    spacing,
    split_at_gaps,
)
from pba.types import History


def history(times: list[float]) -> History:
    return History(np.array(times, dtype=float), np.ones((len(times), 5)))


@pytest.mark.parametrize(
    ("times", "step_s", "regular"),
    [
        ([0.0, 2.0], 2.0, True),
        ([0.0, 1.0, 2.0, 3.5], 1.0, True),
        ([0.0, 1.0, 2.0, 3.51], 1.0, False),
        ([0.0, 1.0, 2.0, 2.5, 3.5], 1.0, False),
        ([0.0, 300.0, 600.0, 901.0], 300.0, True),
    ],
)
def test_the_step_is_the_median_interval(times, step_s, regular):
    assert spacing(np.array(times)) == Spacing(step_s, regular)


def test_a_link_with_a_gap_starts_a_new_window():
    windows = since_last_gap(history([0, 1, 2, 3, 30, 31]))
    assert windows.timestamps_s.tolist() == [30.0, 31.0]


def test_the_window_starts_after_the_last_of_several_gaps():
    windows = since_last_gap(history([0, 1, 2, 50, 51, 52, 53, 90, 91, 92]))
    assert windows.timestamps_s.tolist() == [90.0, 91.0, 92.0]


def test_an_interval_of_exactly_ten_medians_is_no_gap():
    times = [0.0, 1.0, 2.0, 2.0 + GAP_INTERVALS, 3.0 + GAP_INTERVALS]
    assert len(since_last_gap(history(times))) == 5
    times[-2:] = [2.01 + GAP_INTERVALS, 3.01 + GAP_INTERVALS]
    assert len(since_last_gap(history(times))) == 2


def test_the_gap_threshold_can_be_set():
    assert len(since_last_gap(history([0, 1, 2, 5, 6]), gap_intervals=2.0)) == 2


@pytest.mark.parametrize("times", [[], [5.0], [5.0, 5000.0]])
def test_two_samples_are_too_few_for_a_gap(times):
    assert len(since_last_gap(history(times))) == len(times)


def test_a_gap_before_the_newest_sample_leaves_one_sample():
    assert since_last_gap(history([0, 1, 2, 3, 99])).timestamps_s.tolist() == [99.0]


@given(st.lists(st.floats(0.01, 100.0), min_size=2, max_size=40))
def test_a_plain_loop_finds_the_same_window(intervals):
    times = np.concatenate([[0.0], np.cumsum(intervals)])
    real = np.diff(times)
    count = len(times)
    for index, interval in enumerate(real):
        if interval > GAP_INTERVALS * np.median(real):
            count = len(times) - 1 - index
    assert len(since_last_gap(history(times.tolist()))) == count


def test_a_series_is_split_at_its_gaps():
    times = [0, 1, 2, 50, 51, 90]
    telemetry = np.arange(30.0).reshape(6, 5) / 30
    windows = split_at_gaps(np.array(times, dtype=float), telemetry)
    assert [len(part) for part in windows] == [3, 2, 1]
    np.testing.assert_array_equal(np.concatenate(windows), telemetry)


@pytest.mark.parametrize("times", [[], [5.0], [5.0, 5000.0]])
def test_a_series_without_a_gap_is_not_split(times):
    assert [
        len(part) for part in split_at_gaps(np.array(times, dtype=float), history(times).telemetry)
    ] == [len(times)]


def test_sliding_windows_are_all_windows_oldest_first():
    telemetry = np.arange(30.0).reshape(6, 5)
    windows = sliding_windows(telemetry, 4)
    assert windows.shape == (3, 4, 5)
    for start in range(3):
        np.testing.assert_array_equal(windows[start], telemetry[start : start + 4])


def test_sliding_windows_share_memory():
    telemetry = np.zeros((6, 5))
    assert np.shares_memory(sliding_windows(telemetry, 4), telemetry)


def test_too_short_a_series_has_no_window():
    assert sliding_windows(np.zeros((3, 5)), 4).shape == (0, 4, 5)
