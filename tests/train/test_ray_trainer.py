"""Real Ray Train workers: equal losses, a killed worker, and a run taken up again."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray

from pba.types import NetworkMode
from pba.types.profile import PROFILES
from train.checkpoint import TrainingState
from train.data import synthetic
from train.job import Run, connect, run_all
from train.training_plan import TrainingPlan

pytestmark = [
    pytest.mark.ray,
    pytest.mark.tf,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    # Ray leaves its own sockets and files to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray.*"),
]
EPOCHS = 3


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    ray.init(address="local", num_cpus=2)
    yield
    ray.shutdown()


def a_run(storage: Path, mode: NetworkMode, workers: int, epochs: int = EPOCHS) -> Run:
    # A high rate: what three epochs of so few windows learn must stand out from chance.
    profile = replace(PROFILES[mode], units=(4, 4), learning_rate=0.01)
    splits = synthetic(mode, 450, profile.window, np.random.default_rng(0))
    plan = TrainingPlan(profile=profile, epochs=epochs, batch_size=64, workers=workers)
    return Run(plan, splits, storage)


def train(run: Run, work: Callable[[dict[str, Any]], None]) -> TrainingState:
    ((_, state),) = run_all([run], work)
    return state


def noting(folder: Path, die_in_epoch: int | None = None) -> Callable[[dict[str, Any]], None]:
    """Return the loop, noting each rank's reports in ``folder``.

    With ``die_in_epoch``, rank 1 kills itself in the middle of that epoch, once.
    """

    def work(config: dict[str, Any]) -> None:
        from train import loop as module

        report, learn = module.report, module.learn
        rank = module.get_context().get_world_rank()
        epochs_begun = [0]

        def noted(figures: dict[str, Any], **more: Any) -> None:
            with (folder / f"rank-{rank}.jsonl").open("a") as lines:
                lines.write(json.dumps(figures) + "\n")
            report(figures, **more)

        def deadly(*given: Any) -> float:
            *others, on_batch = given
            epochs_begun[0] += 1

            def batch(done: int, loss: float) -> None:
                on_batch(done, loss)
                mark = folder / "died"
                if epochs_begun[0] == die_in_epoch and done == 2 and rank and not mark.exists():
                    mark.touch()
                    os.kill(os.getpid(), signal.SIGKILL)

            return learn(*others, batch)

        module.report, module.learn = noted, deadly
        module.loop(config)

    return work


def notes(folder: Path, rank: int) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"rank-{rank}.jsonl").read_text().splitlines()]


def test_ranks_agree_and_a_worker_killed_in_mid_epoch_resumes(tmp_path: Path) -> None:
    run = a_run(tmp_path / "runs", NetworkMode.DATACENTER, 2)
    state = train(run, noting(tmp_path, die_in_epoch=3))
    assert (tmp_path / "died").exists()
    first, second = notes(tmp_path, 0), notes(tmp_path, 1)
    epochs = [note["epoch"] for note in first]
    assert epochs[:2] == [1, 2]
    assert epochs[2] >= 2, "it started over instead of resuming"
    assert epochs[-1] == EPOCHS == state.epochs
    for key in ("loss", "val_loss", "val_mae", "val_accuracy_20"):
        assert [one[key] for one in first] == [other[key] for other in second]
    # Windows are varied anew each epoch, so that the training loss of so few says little.
    assert first[-1]["val_loss"] < first[0]["val_loss"]


def test_an_interrupted_run_is_taken_up_where_it_stopped(tmp_path: Path) -> None:
    before = train(a_run(tmp_path / "runs", NetworkMode.DATACENTER, 1, epochs=2), noting(tmp_path))
    after = train(a_run(tmp_path / "runs", NetworkMode.DATACENTER, 1, epochs=3), noting(tmp_path))
    assert [note["epoch"] for note in notes(tmp_path, 0)] == [1, 2, 3]
    assert after.history["loss"][:2] == before.history["loss"]


def test_teachers_come_first_and_are_not_trained_twice(tmp_path: Path) -> None:
    run = a_run(tmp_path / "runs", NetworkMode.DATACENTER, 2, epochs=1)
    run = replace(run, plan=replace(run.plan, teachers=1))
    first = train(run, noting(tmp_path))
    assert len(notes(tmp_path, 0)) == 2  # one epoch each
    # Nothing is left to do, which one worker does as well as two.
    again = train(replace(run, plan=replace(run.plan, workers=1)), noting(tmp_path))
    assert len(notes(tmp_path, 0)) == 2
    assert again.history == first.history
    names = ["datacenter", "datacenter-teacher-1"]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == names
    run.forget()
    assert not list((tmp_path / "runs").iterdir())


def test_a_forgotten_run_leaves_nothing_to_resume_from(tmp_path: Path) -> None:
    run = a_run(tmp_path, NetworkMode.DATACENTER, 1)
    (tmp_path / run.name / "checkpoint").mkdir(parents=True)
    run.forget()
    run.forget()
    assert not list(tmp_path.iterdir())


def test_both_modes_train_at_once_where_there_is_room(tmp_path: Path) -> None:
    runs = [a_run(tmp_path / "runs", mode, 1, epochs=1) for mode in PROFILES]
    names = {run.name: state.epochs for run, state in run_all(runs, noting(tmp_path))}
    assert names == {"datacenter": 1, "internet": 1}


def test_connecting_twice_keeps_the_cluster() -> None:
    before = ray.get_runtime_context().get_node_id()
    connect("local")
    assert ray.get_runtime_context().get_node_id() == before
