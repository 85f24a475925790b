"""Contents of a checkpoint, and that a resumed run continues as if it had not stopped."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pba.nets.onnx_export import varied_windows
from pba.nets.training_recipe import training_recipe
from pba.nets.training_steps import TrainingSteps, adam
from pba.telemetry.datasets import WindowBatch, WindowSet
from pba.types import History, NetworkMode
from pba.types.profile import PROFILES
from train import checkpoint
from train.checkpoint import TrainingState

MODE = NetworkMode.DATACENTER
SMALL = replace(PROFILES[MODE], units=(4, 4), dropout=0.0)


def test_the_best_weights_are_those_of_the_lowest_validation_loss() -> None:
    state = TrainingState()
    for loss in (3.0, 1.0, 2.0):
        state.add({"val_loss": loss}, [np.array(loss)])
    assert state.best[0] == 1.0
    assert (state.epochs, state.since_best) == (3, 1)


def test_a_new_run_has_no_epochs() -> None:
    assert (TrainingState().epochs, TrainingState().since_best) == (0, 0)


def trainer(seed: int) -> tuple[Any, Any, TrainingSteps]:
    steady = History(np.arange(32.0), np.ones((32, 5)))
    recipe = training_recipe(SMALL, WindowSet.of({"a": [steady]}, SMALL.window))
    model = recipe.build(seed, 1)
    optimizer = adam(0.01, 100)
    return model, optimizer, TrainingSteps(model, model, optimizer, recipe)


@pytest.mark.tf
def test_a_resumed_training_continues_as_if_it_had_not_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Dropout is drawn anew after a resume; without it the steps are the same to the digit.
    monkeypatch.setattr("pba.nets.network._HIDDEN_DROPOUT", 0.0)
    telemetry = varied_windows(np.random.default_rng(0), 32, SMALL.window)
    future = np.repeat(telemetry[:, -1:, 0], 3, axis=1)
    unknown = np.full((32, 3), np.nan, dtype=np.float32)
    batch = WindowBatch(telemetry, future, unknown, future)
    model, optimizer, steps = trainer(0)
    for _ in range(3):
        steps.train(batch, 32)
    state = TrainingState()
    state.add({"loss": 2.0, "val_loss": 1.5}, model.get_weights())
    checkpoint.save(tmp_path, state, model, optimizer)
    expected = [steps.train(batch, 32) for _ in range(3)]

    other_model, other_optimizer, other_steps = trainer(1)
    resumed = checkpoint.load(tmp_path, other_model, other_optimizer)
    assert [other_steps.train(batch, 32) for _ in range(3)] == pytest.approx(expected, rel=1e-4)
    assert resumed.history == state.history
    for kept, best in zip(checkpoint.best_weights(tmp_path), state.best, strict=True):
        np.testing.assert_array_equal(kept, best)


@pytest.mark.tf
def test_two_halves_of_a_batch_sum_to_the_loss_of_the_whole() -> None:
    telemetry = varied_windows(np.random.default_rng(0), 32, SMALL.window)
    unknown = np.full((32, 3), np.nan, dtype=np.float32)
    future = telemetry[:, -3:, 0]
    batch = WindowBatch(telemetry, future, unknown, future)
    _, _, steps = trainer(0)
    halves = [WindowBatch(*(array[half::2] for array in batch)) for half in (0, 1)]
    whole, _, _ = steps.evaluate(batch, 32)
    assert sum(steps.evaluate(half, 32)[0] for half in halves) == pytest.approx(whole, rel=1e-5)


KEEP_FOREVER = """
import sys
from itertools import count
from pathlib import Path
from types import SimpleNamespace
import numpy as np
from train.checkpoint import TrainingState, keep
state = TrainingState()
for epoch in count(1):
    weights = [np.full(50_000, float(epoch))]
    state.add({"val_loss": 1.0 / epoch}, weights)
    model = SimpleNamespace(get_weights=lambda: weights)
    keep(Path(sys.argv[1]), state, model, SimpleNamespace(variables=[]))
    print(epoch, flush=True)
"""


@pytest.mark.parametrize("pause_s", [0.0, 0.001, 0.003, 0.007])
def test_a_run_killed_at_any_moment_leaves_its_last_epoch_whole(
    tmp_path: Path, pause_s: float
) -> None:
    words = [sys.executable, "-c", KEEP_FOREVER, str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(20):
            completed = int(process.stdout.readline())
        time.sleep(pause_s)
        process.kill()
        completed = max([completed, *map(int, process.stdout.read().split())])
    folder = checkpoint.kept(tmp_path)
    assert folder is not None
    state = TrainingState.read(folder)
    assert state.epochs in (completed, completed + 1), "the kill may precede the print"
    assert state.best[0].tolist() == [float(state.epochs)] * 50_000
