"""Training with teachers: knowledge distillation."""

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

pytestmark = [pytest.mark.tf]
MODE = NetworkMode.DATACENTER
BINS = bins_for(MODE)
SMALL = replace(PROFILES[MODE], window=16, units=(4, 4), dropout=0.0)
SEEN = (True,) * 5


def test_the_distillation_loss_is_least_at_the_teacher() -> None:
    rng = np.random.default_rng(0)
    teacher, other = rng.dirichlet(np.ones(len(BINS)), (2, 8, 3)).astype(np.float32)
    future = np.ones((8, 3), dtype=np.float32)
    least, larger = (distillation_loss(p, teacher, future) for p in (teacher, other))
    assert (np.asarray(least) < np.asarray(larger)).all()
    future[:, 1:] = np.nan  # past the end of a series the teacher is ignored
    alone = -np.sum(teacher[:, 0] * np.log(other[:, 0]), axis=-1) / 3
    np.testing.assert_allclose(distillation_loss(other, teacher, future), alone, 1e-4)


def test_a_student_approaches_its_teachers_which_do_not_change() -> None:
    telemetry = varied_windows(np.random.default_rng(0), 32, SMALL.window)
    future = np.repeat(telemetry[:, -1:, 0], 3, axis=1)
    unknown = np.full((32, 3), np.nan, dtype=np.float32)
    batch = WindowBatch(telemetry, future, unknown, future)
    teachers = [build(SMALL, BINS, SEEN, seed) for seed in (1, 2)]
    before = [teacher.get_weights() for teacher in teachers]

    def distance(learner: Any) -> float:
        mean: Floats = np.mean([one(telemetry)["probabilities"] for one in teachers], axis=0)
        return float(np.abs(learner(telemetry)["probabilities"] - mean).sum(axis=-1).mean())

    steady = History(np.arange(32.0), np.ones((32, 5)))
    recipe = training_recipe(SMALL, WindowSet.of({"a": [steady]}, SMALL.window))
    distances = {}
    for name, teachers_used in (("student", teachers), ("alone", [])):
        learner = build(SMALL, BINS, SEEN, 0)
        steps = TrainingSteps(learner, learner, adam(0.02, 30), recipe, teachers=teachers_used)
        for _ in range(30):
            steps.train(batch, 32)
        distances[name] = distance(learner)
    assert distances["student"] < 0.7 * distances["alone"]
    for teacher, weights in zip(teachers, before, strict=True):
        for after, weight in zip(teacher.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(after, weight)
