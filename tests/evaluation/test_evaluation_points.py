"""Evaluation points: their actuals, and which are near a change."""

import numpy as np
import pytest

from pba.errors import NotEnoughData
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.telemetry.traces import Trace


def trace(rates: list[float], name: str = "a", times: list[float] | None = None) -> Trace:
    telemetry = np.full((len(rates), 5), np.nan)
    telemetry[:, 0] = rates
    seconds = np.arange(1.0, len(rates) + 1) if times is None else np.array(times)
    return Trace(name, "test", seconds, telemetry)


def test_actuals_are_missing_past_the_end_of_each_trace() -> None:
    points = EvaluationPoints.of([trace([*map(float, range(1, 9))]), trace([9.0] * 4, "b")], 3)
    assert len(points) == 6
    np.testing.assert_array_equal(points.actual_mbps[:, 0], [4, 5, 6, 7, 8, 9])
    np.testing.assert_array_equal(points.actual_mbps[:, 1], [8, *[np.nan] * 5])
    assert points.trace.tolist() == [0, 0, 0, 0, 0, 1]


def test_near_a_change_is_within_five_samples_of_it_on_either_side() -> None:
    rates = [100.0] * 20 + [121.0] * 20
    points = EvaluationPoints.of([trace(rates)], 2)
    actual_index = points.windows.ends + 1
    near = actual_index[points.near_change[:, 0]]
    assert near.tolist() == list(range(15, 26))


def test_a_change_of_a_fifth_and_a_change_across_a_gap_do_not_count() -> None:
    assert not EvaluationPoints.of([trace([100.0] * 10 + [120.0] * 10)], 2).near_change.any()
    times = [*range(1, 11), *range(1000, 1010)]
    gapped = trace([100.0] * 10 + [500.0] * 10, times=[float(t) for t in times])
    assert not EvaluationPoints.of([gapped], 2).near_change.any()


def test_the_actual_path_is_that_of_the_next_sample() -> None:
    single = trace([1.0] * 5)
    single.telemetry[:, 1] = [1, 2, 3, 4, np.nan]
    np.testing.assert_array_equal(
        EvaluationPoints.of([single], 2).actual_path[:, 0], [3, 4, np.nan]
    )


def test_traces_shorter_than_a_window_have_no_point() -> None:
    with pytest.raises(NotEnoughData):
        EvaluationPoints.of([trace([1.0] * 5)], 5)
