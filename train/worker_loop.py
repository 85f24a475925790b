"""The function that every Ray Train worker executes, from initial weights to the last epoch.

All workers draw the same batches and each trains on its own share of every batch. The loss is
summed and divided by the size of the whole batch, and gradients are summed over workers, so that N
workers take the same steps as one would.
"""

import sys
from collections.abc import Callable, Sequence
from os import cpu_count
from pathlib import Path
from typing import Any

import numpy as np
import ray
from ray.train import get_context, report

from pba.nets.epochs import WorkerShare, stretches_per_batch, train_epoch, validate_epoch
from pba.nets.training_recipe import TrainingRecipe, training_recipe
from pba.nets.training_steps import TrainingSteps, adam
from pba.telemetry.datasets import WindowSet
from pba.types import Floats

from . import checkpoint
from .checkpoint import TrainingState
from .progress import EpochProgress, line_writer
from .training_plan import TrainingPlan

__all__ = ["worker_loop"]


def worker_loop(config: dict[str, Any]) -> None:
    """Train one network.

    Parameters
    ----------
    config
        The run's ``name``, ``plan``, ``progress_file``, and ``kept``, the folder of its states,
        which an earlier command may have filled; and references into Ray's object store:
        the windows ``train`` and ``val``, the weights of each of the ``teachers``, and
        ``initial_weights``, which are empty for random ones.
    """
    _skip_optional_imports()
    plan: TrainingPlan = config["plan"]
    train, val = _fetch(config["train"]), _fetch(config["val"])
    share = WorkerShare(get_context().get_world_rank(), get_context().get_world_size())
    recipe = training_recipe(plan.profile, train, plan.columns_seen)
    per_batch = stretches_per_batch(plan.batch_size, plan.in_a_row, share.world)
    batches = -(-len(_epoch_order(plan, train, 0)) // per_batch)

    _share_cores(get_context().get_local_world_size())
    steps, learner, model, optimizer = _build(config, recipe, batches, share.world)
    state = _resume(config["kept"], learner, optimizer)
    write = _progress_writer(share, config["progress_file"])
    progress = EpochProgress(config["name"], plan.epochs, batches, state.epochs, write=write)
    val_order = val.draw(np.random.default_rng(plan.seed), plan.val_per_set)

    while not state.completes(plan):
        order = _epoch_order(plan, train, state.epochs)
        rng = np.random.default_rng([plan.seed, state.epochs, share.rank])
        loss = train_epoch(steps, train, order, plan.batch_size, rng, share, progress.batch)
        figures = {"loss": loss, **validate_epoch(steps, val, val_order, share)}
        state.add(figures, model.get_weights())
        progress.epoch(figures)
        if share.rank == 0:
            checkpoint.keep(config["kept"], state, learner, optimizer)
        _report(share, state)


def _skip_optional_imports() -> None:
    """Keep Keras from importing packages that it can work with but that are not used here.

    They take a third of the time of `import tensorflow`.
    """
    for name in ("matplotlib", "sklearn"):
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]


def _build(
    config: dict[str, Any], recipe: TrainingRecipe, batches: int, world: int
) -> tuple[TrainingSteps, Any, Any, Any]:
    """Return the training steps, the network that learns, its single-window form, the optimizer."""
    plan: TrainingPlan = config["plan"]
    strategy = _strategy(world)
    with strategy.scope():
        learner = recipe.build(plan.seed, plan.in_a_row)
        initial_weights = ray.get(config["initial_weights"])
        if initial_weights:
            learner.set_weights(initial_weights)
        model = recipe.build(plan.seed, 1)
        teachers = _teachers(plan, recipe, ray.get(config["teachers"]))
        optimizer = adam(plan.profile.learning_rate, plan.epochs * batches, world)
    steps = TrainingSteps(learner, model, optimizer, recipe, strategy, teachers)
    return steps, learner, model, optimizer


def _teachers(
    plan: TrainingPlan, recipe: TrainingRecipe, weights: Sequence[Sequence[Floats]]
) -> list[Any]:
    """Return the teachers' networks, which take the same stretches as the learner."""
    teachers = []
    for of_teacher in weights:
        teachers.append(recipe.build(0, plan.in_a_row))
        teachers[-1].set_weights(of_teacher)
        teachers[-1].trainable = False
    return teachers


def _epoch_order(plan: TrainingPlan, train: WindowSet, epoch: int) -> np.ndarray:
    """Return where the stretches of an epoch begin, in order, the same on every worker."""
    rng = np.random.default_rng([plan.seed, epoch])
    return train.draw_stretches(rng, plan.in_a_row, plan.windows_per_set)


def _share_cores(workers: int) -> None:
    """Limit this worker to its share of the cores: more threads than cores only cost time."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(max(1, (cpu_count() or 1) // workers))


def _strategy(world: int) -> Any:
    import tensorflow as tf

    if world == 1:
        return tf.distribute.get_strategy()
    return tf.distribute.MultiWorkerMirroredStrategy()


def _resume(folder: Path, learner: Any, optimizer: Any) -> TrainingState:
    """Return the state after the last epoch, before a worker died or of an earlier command."""
    last = checkpoint.kept(folder)
    return checkpoint.load(last, learner, optimizer) if last else TrainingState()


def _report(share: WorkerShare, state: TrainingState) -> None:
    """Report the epoch's figures to Ray Train."""
    figures = {name: values[-1] for name, values in state.history.items()}
    report(figures | {"epoch": state.epochs, "rank": share.rank})


def _progress_writer(share: WorkerShare, path: Path) -> Callable[[str], None]:
    return line_writer(path) if share.rank == 0 else lambda line: None


def _fetch(reference: "ray.ObjectRef[WindowSet]") -> WindowSet:
    windows: WindowSet = ray.get(reference)
    return windows
