"""A difference that is real is called so, and one that is chance is called noise."""

import numpy as np

from pba.evaluation.bootstrap import accuracy_difference
from pba.evaluation.candidates import point_only
from pba.evaluation.evaluation_points import EvaluationPoints
from tests.evaluation.test_evaluation_points import trace


def many(traces: int, rng: np.random.Generator) -> tuple[EvaluationPoints, np.ndarray]:
    moments = EvaluationPoints.of([trace([100.0] * 40, f"t{i}") for i in range(traces)], 2)
    return moments, rng.random(len(moments))


def at(share: float, draw: np.ndarray) -> np.ndarray:
    return np.where(draw < share, 100.0, 500.0)[:, None].repeat(3, axis=1)


def test_a_clear_difference_is_better_one_way_and_worse_the_other(rng) -> None:
    moments, draw = many(30, rng)
    good, bad = point_only(at(0.8, draw)), point_only(at(0.6, draw))
    found = accuracy_difference(good, bad, moments, 0)
    assert found.verdict == "better"
    assert found.interval[0] < found.value < found.interval[1]
    assert found.value == np.mean((draw >= 0.6) & (draw < 0.8))
    assert accuracy_difference(bad, good, moments, 0).verdict == "worse"


def test_chance_is_called_noise(rng) -> None:
    moments, draw = many(30, rng)
    other = rng.random(len(draw))
    assert (
        accuracy_difference(point_only(at(0.7, draw)), point_only(at(0.7, other)), moments, 0).verdict
        == "noise"
    )


def test_moments_of_one_trace_are_not_taken_for_independent(rng) -> None:
    moments, _ = many(4, rng)
    lucky = np.where(moments.trace == 0, 0.0, 1.0)
    found = accuracy_difference(point_only(at(0.5, lucky)), point_only(at(0.5, 1 - lucky)), moments, 0)
    assert found.verdict == "noise", "one trace against three decides nothing"


def test_one_trace_alone_has_no_interval(rng) -> None:
    moments, draw = many(1, rng)
    found = accuracy_difference(point_only(at(1.0, draw)), point_only(at(0.0, draw)), moments, 0)
    assert (found.value, found.interval, found.verdict) == (1.0, None, "noise")
