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

pytestmark = [pytest.mark.tf]
MODE = NetworkMode.DATACENTER
SHAPE = replace(PROFILES[MODE], units=(4, 4), dropout=0.0, learning_rate=1e-12)
SPLITS = synthetic_splits(MODE, 300, SHAPE.window, np.random.default_rng(0))


class FakeTrain:
    """Stands for Ray Train: one worker, and what it reports."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reports: list[dict[str, Any]] = []
        context = SimpleNamespace(
            get_world_rank=lambda: 0, get_world_size=lambda: 1, get_local_world_size=lambda: 1
        )
        names = {
            "ray": SimpleNamespace(get=lambda reference: reference),
            "get_context": lambda: context,
            "report": self.report,
            # Both concern the whole process, which is a worker's own outside of tests.
            "_share_cores": lambda workers: None,
            "_skip_optional_imports": lambda: None,
        }
        for name, value in names.items():
            monkeypatch.setattr(worker_loop, name, value)

    def report(self, figures: dict[str, Any]) -> None:
        self.reports.append(figures)


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
        "kept": tmp_path / "kept",
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
    for best, given in zip(state_of(tmp_path).best, initial, strict=True):
        np.testing.assert_allclose(best, given, atol=1e-6)
    lines = config["progress_file"].read_text().splitlines()
    epochs = [line for line in lines if "  batch " not in line]  # which slow epochs add
    assert epochs[0].startswith("datacenter  epoch 1/9  loss ")


def state_of(folder: Path) -> checkpoint.TrainingState:
    (kept,) = (folder / "kept").iterdir()
    return checkpoint.TrainingState.read(kept)


def test_a_run_that_ended_in_an_epoch_resumes_at_that_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {
        "name": "datacenter",
        "plan": TrainingPlan(profile=SHAPE, epochs=3, batch_size=64),
        "train": SPLITS.train,
        "val": SPLITS.val,
        "teachers": [],
        "initial_weights": [],
        "progress_file": tmp_path / "progress.log",
        "kept": tmp_path / "kept",
    }
    fake = FakeTrain(monkeypatch)
    train_epoch, left = worker_loop.train_epoch, [1, 0]

    def dying(*arguments: Any) -> float:
        if not left.pop(0):
            raise InterruptedError
        return train_epoch(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(worker_loop, "train_epoch", dying)
        with pytest.raises(InterruptedError):
            worker_loop.worker_loop(config)
    first = state_of(tmp_path).history
    worker_loop.worker_loop(config)
    assert [report["epoch"] for report in fake.reports] == [1, 2, 3]
    history = state_of(tmp_path).history
    assert {name: values[:1] for name, values in history.items()} == first
