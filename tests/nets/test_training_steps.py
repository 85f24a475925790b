"""Learning from teachers beside what came."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pba.nets.bin_layout import bins_for
from pba.nets.loss import distillation_loss
from pba.nets.network import build
from pba.nets.onnx_export import varied_windows
from pba.nets.training_recipe import training_recipe
from pba.nets.training_steps import TrainingSteps, adam
from pba.telemetry.datasets import WindowBatch, WindowSet
from pba.types import Floats, History, NetworkMode
from pba.types.profile import PROFILES

pytestmark = [pytest.mark.tf, pytest.mark.timeout(180)]
MODE = NetworkMode.DATACENTER
BINS = bins_for(MODE)
SMALL = replace(PROFILES[MODE], units=(4, 4), dropout=0.0)
SEEN = (True,) * 5


def test_what_teachers_say_is_missed_least_by_saying_it() -> None:
    rng = np.random.default_rng(0)
    wanted, other = rng.dirichlet(np.ones(len(BINS)), (2, 8, 3)).astype(np.float32)
    future = np.ones((8, 3), dtype=np.float32)
    same, off = (distillation_loss({"probabilities": p}, wanted, future) for p in (wanted, other))
    assert (np.asarray(same) < np.asarray(off)).all()
    future[:, 1:] = np.nan  # past the end of a series teachers are not asked
    alone = -np.sum(wanted[:, 0] * np.log(other[:, 0]), axis=-1) / 3
    np.testing.assert_allclose(
        distillation_loss({"probabilities": other}, wanted, future), alone, 1e-4
    )


def test_a_learner_comes_nearer_to_its_teachers_which_stay_as_they_are() -> None:
    telemetry = varied_windows(np.random.default_rng(0), 64, SMALL.window)
    future = np.repeat(telemetry[:, -1:, 0], 3, axis=1)
    batch = WindowBatch(telemetry, future, np.full((64, 3), np.nan, dtype=np.float32))
    teachers = [build(SMALL, BINS, SEEN, seed) for seed in (1, 2)]
    before = [teacher.get_weights() for teacher in teachers]

    def distance(learner: Any) -> float:
        wanted: Floats = np.mean([one(telemetry)["probabilities"] for one in teachers], axis=0)
        return float(np.abs(learner(telemetry)["probabilities"] - wanted).sum(axis=-1).mean())

    steady = History(np.arange(32.0), np.ones((32, 5)))
    recipe = training_recipe(SMALL, WindowSet.of({"a": [steady]}, SMALL.window))
    left = {}
    for name, chosen in (("taught", teachers), ("alone", [])):
        learner = build(SMALL, BINS, SEEN, 0)
        steps = TrainingSteps(learner, learner, adam(0.01, 60), recipe, teachers=chosen)
        for _ in range(60):
            steps.train(batch, 64)
        left[name] = distance(learner)
    assert left["taught"] < 0.7 * left["alone"]
    for teacher, weights in zip(teachers, before, strict=True):
        for now, then in zip(teacher.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(now, then)
