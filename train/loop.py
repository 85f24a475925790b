"""What every Ray Train worker does, from the first weights to the last checkpoint.

All workers draw the same batches and each learns from its own share of every batch. The loss is
summed and divided by the size of the whole batch, and gradients are summed over workers, so that N
workers take the same steps as one would.
"""

import tempfile
from collections.abc import Sequence
from os import cpu_count
from pathlib import Path
from typing import Any

import numpy as np
import ray
from ray.train import Checkpoint, get_checkpoint, get_context, report

from pba.nets.epochs import WorkerShare, stretches_a_batch, train_epoch, validate_epoch
from pba.nets.training_recipe import TrainingRecipe, training_recipe
from pba.nets.training_steps import TrainingSteps, adam
from pba.telemetry.datasets import WindowSet
from pba.types import Floats

from . import checkpoint
from .checkpoint import TrainingState
from .progress import Progress
from .training_plan import TrainingPlan

__all__ = ["loop"]


def loop(config: dict[str, Any]) -> None:
    """Train one network.

    Parameters
    ----------
    config
        The run's ``name``, its ``plan``, and in Ray's object store ``train`` and ``val``, the
        windows, ``teachers``, the weights of each, and ``first``, the weights to start from, none
        for those that the seed draws.
    """
    plan: TrainingPlan = config["plan"]
    train, val = _fetch(config["train"]), _fetch(config["val"])
    share = WorkerShare(get_context().get_world_rank(), get_context().get_world_size())
    recipe = training_recipe(plan.profile, train, plan.columns_seen)
    a_batch = stretches_a_batch(plan.batch_size, plan.in_a_row, share.world)
    batches = -(-len(_epoch_order(plan, train, 0)) // a_batch)

    _share_cores(get_context().get_local_world_size())
    strategy = _strategy(share.world)
    with strategy.scope():
        learner = recipe.build(plan.seed, plan.in_a_row)
        first = ray.get(config["first"])
        if first:
            learner.set_weights(first)
        model = recipe.build(plan.seed, 1)
        teachers = _teachers(plan, recipe, ray.get(config["teachers"]))
        rate = plan.profile.learning_rate
        optimizer = adam(rate, plan.epochs * batches, share.world)
    steps = TrainingSteps(learner, model, optimizer, recipe, strategy, teachers)
    state = _resume(learner, optimizer)
    progress = Progress(config["name"], plan.epochs, batches, state.epochs, say=_say(share))
    val_order = val.draw(np.random.default_rng(plan.seed), plan.val_per_set)

    while state.epochs < plan.epochs and state.since_best < plan.patience:
        order = _epoch_order(plan, train, state.epochs)
        rng = np.random.default_rng([plan.seed, state.epochs, share.rank])
        loss = train_epoch(steps, train, order, plan.batch_size, rng, share, progress.batch)
        figures = {"loss": loss, **validate_epoch(steps, val, val_order, share)}
        state.add(figures, model.get_weights())
        progress.epoch(figures)
        _report(share, state, learner, optimizer)


def _teachers(
    plan: TrainingPlan, recipe: TrainingRecipe, weights: Sequence[Sequence[Floats]]
) -> list[Any]:
    """Return the teachers, which take the stretches that the learner takes."""
    found = []
    for held in weights:
        found.append(recipe.build(0, plan.in_a_row))
        found[-1].set_weights(held)
        found[-1].trainable = False
    return found


def _epoch_order(plan: TrainingPlan, train: WindowSet, epoch: int) -> np.ndarray:
    """Return where the stretches of an epoch begin, in order, the same on every worker."""
    rng = np.random.default_rng([plan.seed, epoch])
    return train.draw_stretches(rng, plan.in_a_row, plan.windows_per_set)


def _share_cores(workers: int) -> None:
    """Give this worker its part of the machine: threads that take turns on a core only cost."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(max(1, (cpu_count() or 1) // workers))


def _strategy(world: int) -> Any:
    import tensorflow as tf

    if world == 1:
        return tf.distribute.get_strategy()
    return tf.distribute.MultiWorkerMirroredStrategy()


def _resume(learner: Any, optimizer: Any) -> TrainingState:
    held = get_checkpoint()
    if held is None:
        return TrainingState()
    with held.as_directory() as folder:
        return checkpoint.load(Path(folder), learner, optimizer)


def _report(share: WorkerShare, state: TrainingState, learner: Any, optimizer: Any) -> None:
    """Hand the epoch's figures, and from rank 0 a checkpoint, to Ray Train."""
    figures = {name: values[-1] for name, values in state.history.items()}
    figures |= {"epoch": state.epochs, "rank": share.rank}
    with tempfile.TemporaryDirectory() as folder:
        if share.rank == 0:
            checkpoint.save(Path(folder), state, learner, optimizer)
            report(figures, checkpoint=Checkpoint.from_directory(folder))
        else:
            report(figures)


def _say(share: WorkerShare) -> Any:
    import typer

    return typer.echo if share.rank == 0 else lambda line: None


def _fetch(held: "ray.ObjectRef[WindowSet]") -> WindowSet:
    found: WindowSet = ray.get(held)
    return found
