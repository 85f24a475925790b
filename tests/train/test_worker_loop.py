"""The worker's loop in this process: what it starts from, reports, and when it stops."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pba.nets.training_recipe import training_recipe
from pba.types import NetworkMode
from pba.types.profile import PROFILES
from train import checkpoint, worker_loop
from train.splits import synthetic_splits
from train.training_plan import TrainingPlan

pytestmark = [pytest.mark.tf, pytest.mark.timeout(180)]
MODE = NetworkMode.DATACENTER
SHAPE = replace(PROFILES[MODE], units=(4, 4), dropout=0.0, learning_rate=1e-12)
SPLITS = synthetic_splits(MODE, 300, SHAPE.window, np.random.default_rng(0))


class FakeTrain:
    """Stands for Ray Train: one worker, and what it reports."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reports: list[dict[str, Any]] = []
        self.states: list[checkpoint.TrainingState] = []
        context = SimpleNamespace(
            get_world_rank=lambda: 0, get_world_size=lambda: 1, get_local_world_size=lambda: 1
        )
        names = {
            "ray": SimpleNamespace(get=lambda reference: reference),
            "get_context": lambda: context,
            "get_checkpoint": lambda: None,
            "report": self.report,
            # Both concern the whole process, which is a worker's own outside of tests.
            "_share_cores": lambda workers: None,
            "_skip_optional_imports": lambda: None,
        }
        for name, value in names.items():
            monkeypatch.setattr(worker_loop, name, value)

    def report(self, figures: dict[str, Any], checkpoint: Any = None) -> None:
        self.reports.append(figures)
        with checkpoint.as_directory() as folder:
            self.states.append(worker_loop.TrainingState.read(Path(folder)))


def test_a_student_starts_from_given_weights_learns_from_teachers_and_stops_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeTrain(monkeypatch)
    recipe = training_recipe(SHAPE, SPLITS.train)
    initial, teacher = (recipe.build(seed, 1).get_weights() for seed in (5, 6))
    plan = TrainingPlan(profile=SHAPE, epochs=9, batch_size=64, patience=2)
    config = {
        "name": "datacenter",
        "plan": plan,
        "train": SPLITS.train,
        "val": SPLITS.val,
        "teachers": [teacher],
        "initial_weights": initial,
        "progress_file": tmp_path / "datacenter" / "progress.log",
    }
    losses = iter([1.0, 2.0, 3.0])
    validate = worker_loop.validate_epoch
    monkeypatch.setattr(
        worker_loop,
        "validate_epoch",
        lambda *arguments: validate(*arguments) | {"val_loss": next(losses)},
    )
    worker_loop.worker_loop(config)
    # Two epochs without a better validation loss end it.
    assert [(report["epoch"], report["rank"]) for report in fake.reports] == [
        (1, 0),
        (2, 0),
        (3, 0),
    ]
    # At a rate of nearly 0 the weights stay those that it started from.
    for best, given in zip(fake.states[-1].best, initial, strict=True):
        np.testing.assert_allclose(best, given, atol=1e-6)
    lines = config["progress_file"].read_text().splitlines()
    epochs = [line for line in lines if "  batch " not in line]  # which slow epochs add
    assert epochs[0].startswith("datacenter  epoch 1/9  loss ")
