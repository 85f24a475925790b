"""Moving from the champion's weights as far as no old set is forgotten."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pba.evaluation.evaluation_points import EvaluationPoints
from pba.nets.training_recipe import training_recipe
from pba.types import Floats, NetworkMode
from pba.types.profile import PROFILES
from tests.train.test_gate import example_points
from train.checkpoint import TrainingState
from train.ray_trainer import TrainingRun
from train.splits import synthetic_splits
from train.training_plan import TrainingPlan
from train.weight_interpolation import interpolate, largest_safe_share, largest_share

MODE = NetworkMode.DATACENTER


@pytest.mark.parametrize(("limit", "share"), [(1.0, 1.0), (0.99, 0.875), (0.3, 0.25), (0.0, 0.125)])
def test_the_largest_share_that_forgets_nothing_is_returned(limit: float, share: float) -> None:
    assert largest_share(lambda tried: tried > limit) == share


def test_interpolated_weights_are_on_the_line() -> None:
    first, last = [np.zeros(2), np.ones(1)], [np.ones(2), np.ones(1)]
    kernel, bias = interpolate(first, last, 0.25)
    assert kernel.tolist() == [0.25, 0.25]
    assert bias.tolist() == [1.0]


@pytest.mark.tf
def test_weights_that_spoil_an_old_set_are_followed_less_far(tmp_path: Path) -> None:
    shape = replace(PROFILES[MODE], units=(4, 4))
    splits = synthetic_splits(MODE, 450, shape.window, np.random.default_rng(0))
    network = training_recipe(shape, splits.train).build(0, 1)
    weights = network.get_weights()
    kernel, bias = network.get_layer("shifts").get_weights()
    network.get_layer("shifts").set_weights([kernel, bias + 1.0])  # predicts e times the rate
    spoilt = network.get_weights()
    plan = TrainingPlan(profile=shape, epochs=1)
    run = TrainingRun(plan, splits, tmp_path, initial_weights=weights)
    old = {"known": example_points(window=shape.window)}

    def share(best: list[Floats], sets: dict[str, EvaluationPoints]) -> float:
        return largest_safe_share(run, TrainingState(best=best), sets, 0.01)

    assert share(weights, old) == 1.0
    assert share(spoilt, old) < 1.0
    assert share(spoilt, {}) == 1.0, "without old sets nothing can be forgotten"
