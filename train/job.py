"""From a plan to the weights of a trained network: the Ray cluster and its trainers."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from typing import Any

import ray
from ray.train import CheckpointConfig, FailureConfig, Result, RunConfig, ScalingConfig
from ray.train.tensorflow import TensorflowTrainer

from pba.nets.training_recipe import TrainingRecipe
from pba.types import Floats

from .checkpoint import TrainingState
from .data import Splits
from .loop import loop
from .training_plan import TrainingPlan

__all__ = ["Run", "connect", "rebuild", "run_all"]

Work = Callable[[dict[str, Any]], None]

_CPUS_PER_WORKER = 1
_MAX_FAILURES = 3


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A plan, its data, and the folder where Ray Train keeps the run's checkpoints.

    Every node of the cluster must reach ``storage``; a run that finds checkpoints there goes on
    from the last. ``teaches`` marks the run of a teacher; ``first`` are the weights to start from,
    none for those that the seed draws.
    """

    plan: TrainingPlan
    splits: Splits
    storage: Path
    teaches: bool = False
    first: Sequence[Floats] = ()

    @property
    def name(self) -> str:
        """What Ray Train calls the run, and its folder below ``storage``."""
        mode = self.plan.profile.mode
        return f"{mode}-teacher-{self.plan.seed}" if self.teaches else f"{mode}"

    @property
    def taught(self) -> "list[Run]":
        """The runs of the teachers, which come before this one."""
        return [replace(self, plan=plan, teaches=True) for plan in self.plan.taught]

    def forget(self) -> None:
        """Remove the checkpoints of an earlier run of that name, and of its teachers."""
        for run in (self, *self.taught):
            rmtree(run.storage / run.name, ignore_errors=True)


def connect(address: str) -> None:
    """Connect to the cluster at ``address``; ``local`` starts one on this machine."""
    if not ray.is_initialized():
        ray.init(address=address)


def run_all(runs: Sequence[Run], work: Work = loop) -> Iterator[tuple[Run, TrainingState]]:
    """Train each run, and yield it with its last state as it ends.

    All at once where the cluster has a CPU for every worker, else one after the other: workers that
    hold some of the CPUs while they wait for the rest would wait for ever.

    Parameters
    ----------
    work
        What each worker does.
    """
    wanted = sum(run.plan.workers for run in runs) * _CPUS_PER_WORKER
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    if resources.get("CPU", 0) < wanted:
        for run in runs:
            yield run, _train(run, work)
        return
    with ThreadPoolExecutor(len(runs)) as pool:
        waiting = {pool.submit(_train, run, work): run for run in runs}
        for done in as_completed(waiting):
            yield waiting[done], done.result()


def rebuild(recipe: TrainingRecipe, state: TrainingState) -> Any:
    """Return the Keras model with the best weights of ``state``."""
    model = recipe.build(0, 1)
    model.set_weights(state.best)
    return model


def _train(run: Run, work: Work) -> TrainingState:
    """Run the trainers, teachers first; each starts from its last checkpoint if a worker dies."""
    teachers = [_train(one, work).best for one in run.taught]
    trainer = TensorflowTrainer(
        work,
        train_loop_config={
            "name": run.name,
            "plan": run.plan,
            "train": ray.put(run.splits.train),
            "val": ray.put(run.splits.val),
            "teachers": ray.put(teachers),
            "first": ray.put(list(run.first)),
        },
        scaling_config=ScalingConfig(
            num_workers=run.plan.workers, resources_per_worker={"CPU": _CPUS_PER_WORKER}
        ),
        run_config=RunConfig(
            name=run.name,
            storage_path=str(run.storage.resolve()),
            failure_config=FailureConfig(max_failures=_MAX_FAILURES),
            checkpoint_config=CheckpointConfig(num_to_keep=2),
        ),
    )
    return _last_state(trainer.fit())


def _last_state(result: Result) -> TrainingState:
    assert result.checkpoint is not None  # every epoch reports one
    with result.checkpoint.as_directory() as folder:
        return TrainingState.read(Path(folder))
