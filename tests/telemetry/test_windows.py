"""Gaps, spacing, volatility and sliding windows."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.telemetry.spacing import spacing
from pba.telemetry.windows import (
    GAP_INTERVALS,
    current_window,
    following_steps,
    runs,
    since_last_gap,
    sliding_windows,
)
from pba.types import History


def history(times: list[float]) -> History:
    return History(np.array(times, dtype=float), np.ones((len(times), 5)))


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
        if interval > GAP_INTERVALS * spacing(times).step_s:
            count = len(times) - 1 - index
    assert len(since_last_gap(history(times.tolist()))) == count


def test_a_series_is_split_at_its_gaps():
    times = [0, 1, 2, 50, 51, 90]
    telemetry = np.arange(30.0).reshape(6, 5) / 30
    windows = runs(np.array(times, dtype=float), telemetry)
    assert [run.timestamps_s.tolist() for run in windows] == [[0, 1, 2], [50, 51], [90]]
    np.testing.assert_array_equal(np.concatenate([run.telemetry for run in windows]), telemetry)
    assert {run.step_s for run in windows} == {1.0}


@pytest.mark.parametrize("times", [[], [5.0], [5.0, 5000.0]])
def test_a_series_without_a_gap_is_not_split(times):
    (run,) = runs(np.array(times, dtype=float), history(times).telemetry)
    assert run.timestamps_s.tolist() == times


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


def test_two_agents_a_second_apart_are_one_series_of_their_means():
    times = np.sort(np.concatenate([15.0 * np.arange(120), 15.0 * np.arange(120) + 1.0]))
    telemetry = np.full((240, 5), np.nan)
    telemetry[:, 0] = np.tile([80.0, 90.0], 120)
    for newest in (239, 240):  # whichever agent was last
        window = current_window(History(times[:newest], telemetry[:newest]), longest=60)
        assert (window.length, window.step_s, window.regular) == (60, 15.0, True)
        assert set(window.samples.telemetry[:-1, 0].tolist()) == {85.0}
        assert window.samples.timestamps_s[-1] == times[newest - 1]


@pytest.mark.parametrize("seed", range(5))
def test_jitter_of_20_percent_and_a_lost_sample_are_regular(seed: int):
    rng = np.random.default_rng(seed)
    times = np.delete(100.0 + np.arange(61.0) + rng.uniform(-0.2, 0.2, 61), 30)
    window = current_window(history(times.tolist()), longest=60)
    assert (window.length, window.regular) == (60, True)
    assert window.step_s == pytest.approx(1.0, abs=0.1)


def test_bursts_every_hour_are_hourly_means():
    times = (3600.0 * np.arange(30)[:, None] + np.arange(8.0)).ravel()
    window = current_window(history(times.tolist()), longest=60)
    assert (window.length, window.step_s) == (30, 3600.0)


def test_a_pause_is_no_step_however_long():
    times = np.arange(120.0)
    times[60:] += 36_000.0
    window = current_window(history(times.tolist()), longest=60)
    assert (window.length, window.step_s) == (60, 1.0)


@pytest.mark.parametrize(("apart_s", "step_s"), [(1.0, 15.0), (3.5, 15.0), (4.0, 7.5), (4.5, 7.5)])
def test_the_kind_of_window_is_steady_while_samples_of_two_agents_arrive(
    apart_s: float, step_s: float
):
    times = np.sort(np.concatenate([15.0 * np.arange(150), 15.0 * np.arange(150) + apart_s]))
    kinds = {
        (window.length, window.step_s, window.regular)
        for end in range(240, 300)
        for window in [current_window(history(times[:end].tolist()), longest=60)]
    }
    assert kinds == {(60, step_s, True)}


def test_following_steps_skip_what_belongs_to_the_newest_step():
    times = np.array([0.0, 1.0, 15.0, 16.0, 30.0, 31.0])
    assert following_steps(times, 0.0, 15.0, 5).tolist() == [2, 4]
    assert following_steps(times, 1.0, 15.0, 1).tolist() == [2]
    assert following_steps(times, 31.0, 15.0, 5).tolist() == []
