"""Going on from the champion as far as nothing old is forgotten."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pba.evaluation.evaluation_points import EvaluationPoints
from pba.nets.training_recipe import training_recipe
from pba.types import Floats, NetworkMode
from pba.types.profile import PROFILES
from tests.train.test_gate import moments
from train.checkpoint import TrainingState
from train.data import synthetic
from train.job import Run
from train.training_plan import TrainingPlan
from train.weight_interpolation import between, furthest, share_kept

MODE = NetworkMode.DATACENTER


@pytest.mark.parametrize(("most", "wanted"), [(1.0, 1.0), (0.99, 0.875), (0.3, 0.25), (0.0, 0.125)])
def test_the_furthest_share_that_forgets_nothing_is_found(most: float, wanted: float) -> None:
    assert furthest(lambda share: share > most) == wanted


def test_weights_lie_on_the_line() -> None:
    first, last = [np.zeros(2), np.ones(1)], [np.ones(2), np.ones(1)]
    (one, other) = between(first, last, 0.25)
    assert one.tolist() == [0.25, 0.25]
    assert other.tolist() == [1.0]


@pytest.mark.tf
@pytest.mark.timeout(180)
def test_what_spoils_an_old_set_is_followed_less_far(tmp_path: Path) -> None:
    shape = replace(PROFILES[MODE], units=(4, 4))
    splits = synthetic(MODE, 450, shape.window, np.random.default_rng(0))
    network = training_recipe(shape, splits.train).build(0, 1)
    weights = network.get_weights()
    kernel, bias = network.get_layer("shifts").get_weights()
    network.get_layer("shifts").set_weights([kernel, bias + 1.0])  # says e times as much
    spoilt = network.get_weights()
    run = Run(TrainingPlan(profile=shape, epochs=1), splits, tmp_path, first=weights)
    old = {"known": moments(window=shape.window)}

    def share(best: list[Floats], sets: dict[str, EvaluationPoints]) -> float:
        return share_kept(run, TrainingState(best=best), sets, 0.01)

    assert share(weights, old) == 1.0
    assert share(spoilt, old) < 1.0
    assert share(spoilt, {}) == 1.0, "nothing tells what was forgotten"
