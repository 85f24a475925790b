"""Windows, their targets and their limits. No TensorFlow."""

import numpy as np
import pytest

from pba.errors import NotEnoughData
from pba.telemetry.datasets import WindowSet
from pba.types import History


def ramp(count: int, start: float = 0.0, step_s: float = 1.0) -> History:
    """Return a link whose bandwidth is the number of the sample, to identify windows by."""
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0] = start + np.arange(count)
    telemetry[:, 1] = 1000.0 + telemetry[:, 0]
    return History(step_s * np.arange(1.0, count + 1), telemetry)


def test_a_window_has_its_samples_and_the_targets_after_them() -> None:
    data = WindowSet.of({"a": [ramp(40)]}, 10)
    batch = data.gather(np.array([0, len(data) - 1]))
    assert batch.telemetry.shape == (2, 10, 5)
    assert batch.telemetry[0, :, 0].tolist() == list(range(10))
    assert batch.future_mbps[0].tolist() == [10.0, 14.0, 24.0]
    assert batch.path[0, 0] == 1010.0
    assert batch.telemetry[1, -1, 0] == 38.0


def test_targets_beyond_the_end_of_a_series_are_missing() -> None:
    data = WindowSet.of({"a": [ramp(40), ramp(40, start=100.0)]}, 10)
    last_of_first = data.gather(np.array([29]))
    assert last_of_first.telemetry[0, -1, 0] == 38.0
    np.testing.assert_array_equal(last_of_first.future_mbps[0], [39.0, np.nan, np.nan])


def test_no_window_and_no_target_crosses_a_gap() -> None:
    whole = ramp(40)
    timestamps_s = whole.timestamps_s + np.where(np.arange(40) >= 20, 11.0, 0.0)
    data = WindowSet.of({"a": [History(timestamps_s, whole.telemetry)]}, 10)
    batch = data.gather(np.arange(len(data)))
    starts, ends = batch.telemetry[:, 0, 0], batch.future_mbps[:, 0]
    assert len(data) == 20
    assert not ((starts < 20) & (ends >= 20)).any()


def test_a_gap_of_ten_intervals_stays_inside_a_window() -> None:
    whole = ramp(40)
    timestamps_s = whole.timestamps_s + np.where(np.arange(40) >= 20, 9.0, 0.0)
    assert len(WindowSet.of({"a": [History(timestamps_s, whole.telemetry)]}, 10)) == 30


def test_a_limit_per_set_keeps_small_sets_whole() -> None:
    data = WindowSet.of({"large": [ramp(500)], "small": [ramp(30)], "empty": []}, 10)
    indices = data.draw(np.random.default_rng(0), per_set=50)
    assert np.bincount(data.groups[indices], minlength=3).tolist() == [50, 20, 0]
    assert len(set(indices.tolist())) == 70


def test_draws_depend_on_the_seed_only() -> None:
    data = WindowSet.of({"a": [ramp(500)]}, 10)
    draws = [data.draw(np.random.default_rng(seed), per_set=50) for seed in (1, 1, 2)]
    assert draws[0].tolist() == draws[1].tolist() != draws[2].tolist()


def test_a_stretch_has_consecutive_windows() -> None:
    data = WindowSet.of({"a": [ramp(40), ramp(40, start=100.0)]}, 10)
    first = np.array([3, 28, 30])
    stretches, alone = data.gather(first, in_a_row=4), data.gather(3 + np.arange(4))
    assert stretches.telemetry.shape == (3, 13, 5)
    for offset in range(4):
        window = stretches.telemetry[0, offset : offset + 10]
        np.testing.assert_array_equal(window, alone.telemetry[offset])
    np.testing.assert_array_equal(stretches.future_mbps[:4], alone.future_mbps)
    np.testing.assert_array_equal(stretches.path[:4], alone.path)
    assert stretches.telemetry[1, -3:, 0].tolist() == [38.0, 39.0, 39.0]
    assert np.isfinite(stretches.future_mbps[4:8, 0]).tolist() == [True, True, False, False]
    assert data.count_windows(first, 4) == np.isfinite(stretches.future_mbps[:, 0]).sum() == 10


def test_stretches_stay_inside_their_series_and_cover_it() -> None:
    sets = {"long": [ramp(100), ramp(100, start=200.0)], "short": [ramp(14, start=400.0)]}
    data = WindowSet.of({**sets, "empty": []}, 10)
    seen = np.zeros(len(data), dtype=int)
    for seed in range(40):
        starts = data.draw_stretches(np.random.default_rng(seed), in_a_row=8)
        assert np.bincount(data.groups[starts], minlength=3).tolist() == [23, 1, 0]
        for start in starts:
            stretch = np.arange(start, min(start + 8, len(data)))
            seen[stretch[data.stops[stretch] == data.stops[start]]] += 1
            assert data.count_windows(np.array([start]), 8) == (4 if data.groups[start] else 8)
    assert seen.min() > 10


def test_a_limit_per_set_applies_to_stretches() -> None:
    data = WindowSet.of({"large": [ramp(500)], "small": [ramp(40)]}, 10)
    starts = data.draw_stretches(np.random.default_rng(0), in_a_row=10, per_set=60)
    assert np.bincount(data.groups[starts]).tolist() == [6, 3]


def test_columns_without_values_are_marked() -> None:
    assert WindowSet.of({"a": [ramp(20)]}, 10).columns_seen == (True, True, False, False, False)


def test_series_that_are_all_too_short_are_refused() -> None:
    with pytest.raises(NotEnoughData, match="11 samples"):
        WindowSet.of({"a": [ramp(10), ramp(3)]}, 10)


def test_series_of_one_and_two_samples_are_ignored() -> None:
    assert len(WindowSet.of({"a": [ramp(1), ramp(2), ramp(12)]}, 10)) == 2


def test_each_set_may_have_its_own_limit() -> None:
    data = WindowSet.of({"a": [ramp(500)], "b": [ramp(500)], "c": [ramp(500)]}, 10)
    indices = data.draw(np.random.default_rng(0), per_set=(30, 0, 7))
    assert np.bincount(data.groups[indices], minlength=3).tolist() == [30, 0, 7]
    starts = data.draw_stretches(np.random.default_rng(0), 4, per_set=(40, 0, 8))
    assert np.bincount(data.groups[starts], minlength=3).tolist() == [10, 0, 2]
