"""Training runs with real Ray Train workers, and the order of teachers and students."""

import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest

from pba.types import NetworkMode
from pba.types.profile import PROFILES
from tests.support.training_marks import RAY_TRAINING
from train import ray_trainer
from train.checkpoint import TrainingState
from train.ray_trainer import TrainingRun, cluster, run_all
from train.splits import synthetic_splits
from train.training_plan import TrainingPlan

EPOCHS = 3


def example_run(storage: Path, workers: int = 1, epochs: int = EPOCHS) -> TrainingRun:
    # A high rate: what three epochs of so few windows learn must be distinct from chance.
    mode = NetworkMode.DATACENTER
    profile = replace(PROFILES[mode], units=(4, 4), learning_rate=0.01)
    splits = synthetic_splits(mode, 450, profile.window, np.random.default_rng(0))
    plan = TrainingPlan(profile=profile, epochs=epochs, batch_size=64, workers=workers)
    return TrainingRun(plan, splits, storage)


def recording_loop(folder: Path, kill_in_epoch: int) -> Callable[[dict[str, Any]], None]:
    """Return the worker loop, which also records each rank's reports in ``folder``.

    Rank 1 kills itself in the middle of epoch ``kill_in_epoch``, once.
    """

    def work(config: dict[str, Any]) -> None:
        from train import worker_loop as module

        report, train_epoch = module.report, module.train_epoch
        rank = module.get_context().get_world_rank()
        epochs_begun = [0]

        def recorded(figures: dict[str, Any], **more: Any) -> None:
            with (folder / f"rank-{rank}.jsonl").open("a") as lines:
                lines.write(json.dumps(figures) + "\n")
            report(figures, **more)

        def deadly(*arguments: Any) -> float:
            *others, on_batch = arguments
            epochs_begun[0] += 1

            def batch(completed: int, loss: float) -> None:
                on_batch(completed, loss)
                mark = folder / "killed"
                due = epochs_begun[0] == kill_in_epoch and completed == 2
                if due and rank and not mark.exists():
                    mark.touch()
                    os.kill(os.getpid(), signal.SIGKILL)

            return train_epoch(*others, batch)

        module.report, module.train_epoch = recorded, deadly
        module.worker_loop(config)

    return work


def never(config: dict[str, Any]) -> None:
    """Stand for the worker loop where no worker may start."""
    raise AssertionError("a worker has started")


def reports(folder: Path, rank: int) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"rank-{rank}.jsonl").read_text().splitlines()]


class TestWithWorkers:
    """Real workers."""

    pytestmark = RAY_TRAINING

    def test_ranks_agree_and_a_worker_killed_in_mid_epoch_resumes(self, tmp_path: Path) -> None:
        run = example_run(tmp_path / "runs", workers=2)
        ((_, state),) = run_all([run], recording_loop(tmp_path, kill_in_epoch=3))
        assert (tmp_path / "killed").exists()
        first, second = reports(tmp_path, 0), reports(tmp_path, 1)
        epochs = [report["epoch"] for report in first]
        assert epochs[:2] == [1, 2]
        assert epochs[2] >= 2, "it started over instead of resuming"
        assert epochs[-1] == EPOCHS == state.epochs
        for key in ("loss", "val_loss", "val_mae", "val_accuracy_20"):
            assert [one[key] for one in first] == [other[key] for other in second]
        # Windows are augmented anew each epoch, so a few training losses prove little.
        assert first[-1]["val_loss"] < first[0]["val_loss"]
        ((_, again),) = run_all([run], never)
        assert again.history == state.history, "a run that has ended needs no workers"

    def test_an_existing_connection_is_used_and_kept(self) -> None:
        import ray

        before = ray.get_runtime_context().get_node_id()
        with cluster("local"):
            assert ray.get_runtime_context().get_node_id() == before
        assert ray.is_initialized()


def test_teachers_are_trained_first_and_their_best_weights_teach_the_student(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = []

    def fit(run: TrainingRun, work: Any, teachers: list[Any]) -> TrainingState:
        fits.append((run.name, run.plan.seed, [best[0].item() for best in teachers]))
        return TrainingState(best=[np.array(float(run.plan.seed))])

    monkeypatch.setattr(ray_trainer, "_fit", fit)
    run = example_run(tmp_path)
    state = ray_trainer._train(replace(run, plan=replace(run.plan, teachers=2, seed=5)), print)
    assert state.best[0] == 5.0
    assert fits == [
        ("datacenter-teacher-6", 6, []),
        ("datacenter-teacher-7", 7, []),
        ("datacenter", 5, [6.0, 7.0]),
    ]


@pytest.mark.parametrize("together", [True, False])
def test_runs_train_together_only_where_all_workers_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    runs = [example_run(tmp_path / str(number)) for number in range(3)]
    begun, results = list[TrainingRun](), {run.storage: TrainingState() for run in runs}
    all_begun = Barrier(3)

    def train(run: TrainingRun, work: Any) -> TrainingState:
        begun.append(run)
        if together:
            all_begun.wait(timeout=30)
        return results[run.storage]

    monkeypatch.setattr(ray_trainer, "_fit_together", lambda runs: together)
    monkeypatch.setattr(ray_trainer, "_train", train)
    finished = []
    for run, state in run_all(runs):
        assert together or begun == [*finished, run]
        assert state is results[run.storage]
        finished.append(run)
    assert {run.storage for run in finished} == set(results)


@pytest.mark.parametrize("gpu", [False, True])
def test_workers_take_a_gpu_each_if_the_plan_says_so(tmp_path: Path, gpu: bool) -> None:
    plan = replace(example_run(tmp_path, workers=2).plan, gpu=gpu)
    assert ray_trainer.scaling_config(plan).total_resources == {
        "CPU": 2,
        **({"GPU": 2} if gpu else {}),
    }


def test_a_failed_run_is_an_error_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(run: TrainingRun, work: Any) -> TrainingState:
        raise ValueError("diverged")

    monkeypatch.setattr(ray_trainer, "_fit_together", lambda runs: True)
    monkeypatch.setattr(ray_trainer, "_train", train)
    with pytest.raises(ValueError, match="diverged"):
        list(run_all([example_run(tmp_path)]))


def test_deleting_checkpoints_leaves_nothing_to_resume_from(tmp_path: Path) -> None:
    run = example_run(tmp_path)
    run = replace(run, plan=replace(run.plan, teachers=1))
    for name in ("datacenter", "datacenter-teacher-1", "internet"):
        (tmp_path / name / "checkpoint").mkdir(parents=True)
    run.delete_checkpoints()
    run.delete_checkpoints()
    assert [path.name for path in tmp_path.iterdir()] == ["internet"]
