"""The verdict of the bootstrap: real differences and chance."""

import numpy as np

from pba.evaluation.bootstrap import accuracy_difference
from pba.evaluation.candidates import point_only
from pba.evaluation.evaluation_points import EvaluationPoints
from tests.evaluation.test_evaluation_points import trace


def make_points(traces: int, rng: np.random.Generator) -> tuple[EvaluationPoints, np.ndarray]:
    points = EvaluationPoints.of([trace([100.0] * 40, f"t{i}") for i in range(traces)], 2)
    return points, rng.random(len(points))


def forecast_at(share: float, draw: np.ndarray) -> np.ndarray:
    return np.where(draw < share, 100.0, 500.0)[:, None].repeat(3, axis=1)


def test_a_clear_difference_is_better_one_way_and_worse_the_other(rng) -> None:
    points, draw = make_points(30, rng)
    good, bad = point_only(forecast_at(0.8, draw)), point_only(forecast_at(0.6, draw))
    difference = accuracy_difference(good, bad, points, 0)
    assert difference.verdict == "better"
    assert difference.interval[0] < difference.value < difference.interval[1]
    assert difference.value == np.mean((draw >= 0.6) & (draw < 0.8))
    assert accuracy_difference(bad, good, points, 0).verdict == "worse"


def test_a_difference_by_chance_is_noise(rng) -> None:
    points, draw = make_points(30, rng)
    other = rng.random(len(draw))
    assert (
        accuracy_difference(
            point_only(forecast_at(0.7, draw)), point_only(forecast_at(0.7, other)), points, 0
        ).verdict
        == "noise"
    )


def test_points_of_one_trace_are_not_independent(rng) -> None:
    points, _ = make_points(4, rng)
    lucky = np.where(points.trace == 0, 0.0, 1.0)
    difference = accuracy_difference(
        point_only(forecast_at(0.5, lucky)), point_only(forecast_at(0.5, 1 - lucky)), points, 0
    )
    assert difference.verdict == "noise", "one trace against three decides nothing"


def test_one_trace_alone_has_no_interval(rng) -> None:
    points, draw = make_points(1, rng)
    difference = accuracy_difference(
        point_only(forecast_at(1.0, draw)), point_only(forecast_at(0.0, draw)), points, 0
    )
    assert (difference.value, difference.interval, difference.verdict) == (1.0, None, "noise")
