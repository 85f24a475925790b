"""Training runs on a Ray cluster: from a plan to the weights of a trained network."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import ray
from ray.train import FailureConfig, RunConfig, ScalingConfig

from pba.nets.training_recipe import TrainingRecipe
from pba.types import Floats

from . import checkpoint
from .checkpoint import TrainingState
from .progress import ProgressFollower
from .splits import Splits
from .training_plan import TrainingPlan
from .worker_loop import worker_loop

__all__ = ["TrainingRun", "cluster", "rebuild", "run_all", "scaling_config"]

WorkerFunction = Callable[[dict[str, Any]], None]

_MAX_FAILURES = 3

# Ray Train's controller looks for finished workers at this interval; the default is 2 s.
_SETTINGS = {"RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5"}
# A machine of one's own is not preempted and has no Prometheus: two processes less to start.
_LOCAL_SETTINGS = {"RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0", "RAY_TRAIN_METRICS_ENABLED": "0"}


@dataclass(frozen=True, slots=True, eq=False)
class TrainingRun:
    """A plan, its data, and the folder where it keeps its state.

    Parameters
    ----------
    storage
        A folder that every node of the cluster can reach. A run that finds a state there continues
        after its last epoch.
    is_teacher
        Whether it trains a teacher of another run.
    initial_weights
        The weights to start from; empty for random ones from the seed.
    """

    plan: TrainingPlan
    splits: Splits
    storage: Path
    is_teacher: bool = False
    initial_weights: Sequence[Floats] = ()

    @property
    def name(self) -> str:
        """The run's name in Ray Train, and of its folder in ``storage``."""
        mode = self.plan.profile.mode
        return f"{mode}-teacher-{self.plan.seed}" if self.is_teacher else f"{mode}"

    @property
    def progress_file(self) -> Path:
        """The file to which rank 0 appends lines about its progress."""
        return self.storage.resolve() / self.name / "progress.log"

    @property
    def kept(self) -> Path:
        """The folder of the state after the last epoch, as `checkpoint.keep` writes it."""
        return self.storage.resolve() / self.name / "kept"

    @property
    def teacher_runs(self) -> "list[TrainingRun]":
        """The runs of the teachers, which precede this one."""
        return [replace(self, plan=plan, is_teacher=True) for plan in self.plan.teacher_plans]

    def delete_checkpoints(self) -> None:
        """Delete the checkpoints of an earlier run of that name, and of its teachers."""
        for run in (self, *self.teacher_runs):
            shutil.rmtree(run.storage / run.name, ignore_errors=True)


@contextmanager
def cluster(address: str, cpus: int | None = None) -> Iterator[None]:
    """Connect to the Ray cluster at ``address``; ``local`` starts one without a dashboard.

    A connection that exists already is used and kept open.

    Parameters
    ----------
    cpus
        Of a cluster that is started; by default those of this machine.
    """
    if ray.is_initialized():
        yield
        return
    local = address == "local"
    for name, value in (_SETTINGS | (_LOCAL_SETTINGS if local else {})).items():
        os.environ.setdefault(name, value)
    ray.init(address=address, num_cpus=cpus, include_dashboard=False if local else None)
    try:
        yield
    finally:
        ray.shutdown()


def run_all(
    runs: Sequence[TrainingRun],
    work: WorkerFunction = worker_loop,
    on_line: Callable[[str], None] = lambda line: None,
) -> Iterator[tuple[TrainingRun, TrainingState]]:
    """Train each run, and yield it with its final state as it ends.

    All runs train at the same time if the cluster has room for every worker, else one after the
    other: workers that hold some of the CPUs while they wait for more would wait forever.

    Parameters
    ----------
    work
        The function that each worker executes.
    on_line
        Takes lines about the progress, from another thread.
    """
    finished: SimpleQueue[tuple[TrainingRun, TrainingState | Exception]] = SimpleQueue()

    def train(run: TrainingRun) -> None:
        try:
            finished.put((run, _train(run, work)))
        except Exception as error:
            finished.put((run, error))

    def start(run: TrainingRun) -> None:
        # A daemon thread, so that an interrupted command does not wait for it.
        Thread(target=train, args=(run,), daemon=True).start()

    waiting = iter(runs)
    files = [one.progress_file for run in runs for one in (*run.teacher_runs, run)]
    with ProgressFollower(files, on_line) as follower:
        for run in islice(waiting, len(runs) if _fit_together(runs) else 1):
            start(run)
        for _ in runs:
            run, outcome = finished.get()
            follower.flush()
            if isinstance(outcome, Exception):
                raise outcome
            yield run, outcome
            for following in islice(waiting, 1):
                start(following)


def _fit_together(runs: Sequence[TrainingRun]) -> bool:
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    needs: Counter[str] = Counter()
    for run in runs:
        needs.update(scaling_config(run.plan).total_resources)
    return all(resources.get(name, 0) >= amount for name, amount in needs.items())


def scaling_config(plan: TrainingPlan) -> ScalingConfig:
    """Return the workers of a run: a CPU each, and a GPU if the plan says so."""
    return ScalingConfig(
        num_workers=plan.workers,
        use_gpu=plan.gpu,
        resources_per_worker={"CPU": 1} | ({"GPU": 1} if plan.gpu else {}),
    )


def rebuild(recipe: TrainingRecipe, state: TrainingState) -> Any:
    """Return the Keras model with the best weights of ``state``."""
    model = recipe.build(0, 1)
    model.set_weights(state.best)
    return model


def _train(run: TrainingRun, work: WorkerFunction) -> TrainingState:
    """Train the teachers of ``run``, then ``run`` with them; return its final state."""
    teachers = [_train(teacher, work).best for teacher in run.teacher_runs]
    return _fit(run, work, teachers)


def _fit(run: TrainingRun, work: WorkerFunction, teachers: list[list[Floats]]) -> TrainingState:
    """Run one trainer, which restarts after its last epoch if a worker dies.

    A run that ended before is not started again: its workers would only import TensorFlow.
    """
    if (state := _reached_state(run)) and state.completes(run.plan):
        return state
    trainer = _trainer_class(run.plan.workers)(
        work,
        train_loop_config={
            "name": run.name,
            "plan": run.plan,
            "train": ray.put(run.splits.train),
            "val": ray.put(run.splits.val),
            "teachers": ray.put(teachers),
            "initial_weights": ray.put(list(run.initial_weights)),
            "progress_file": run.progress_file,
            "kept": run.kept,
        },
        scaling_config=scaling_config(run.plan),
        run_config=RunConfig(
            name=run.name,
            storage_path=str(run.storage.resolve()),
            failure_config=FailureConfig(max_failures=_MAX_FAILURES),
        ),
    )
    trainer.fit()
    state = _reached_state(run)
    assert state is not None  # every epoch keeps one
    return state


def _trainer_class(workers: int) -> Any:
    """Return Ray's trainer for several TensorFlow workers, or the general one for a single worker.

    The former tells the workers each other's addresses. It imports TensorFlow in this process and
    in the controller, which takes seconds, and a single worker has no use for it.
    """
    if workers > 1:
        from ray.train.tensorflow import TensorflowTrainer

        return TensorflowTrainer
    from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

    return DataParallelTrainer


def _reached_state(run: TrainingRun) -> TrainingState | None:
    """Return the state that a run of that name has reached, if there was one."""
    folder = checkpoint.kept(run.kept)
    return TrainingState.read(folder) if folder else None
