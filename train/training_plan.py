"""The settings of one training run. Values only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pba.telemetry.datasets import WindowLimit
from pba.types.profile import NetworkShape

__all__ = ["VAL_PER_SET", "TrainingPlan"]

VAL_PER_SET = 2000
"""The most validation windows of a set, to stop and to calibrate with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """The settings of one network's training.

    Parameters
    ----------
    profile
        The network's window, units, dropout and peak learning rate.
    epochs
        The most epochs; training stops earlier when validation no longer improves.
    batch_size
        Windows per step, over all workers together.
    in_a_row
        Windows per stretch, which share the steps of their LSTMs.
    windows_per_set
        The most windows drawn from a set per epoch, so that large sets do not outweigh small ones;
        they are drawn anew for each epoch. None takes all; a sequence gives one limit per set.
    val_per_set
        The most validation windows drawn from a set, the same in each epoch; otherwise likewise.
    patience
        Epochs without a better validation loss after which training stops.
    workers
        Ray Train workers that share each batch.
    gpu
        Whether each worker takes a GPU; it waits for one.
    teachers
        Networks of the same shape and of the next seeds. They are trained first; this network then
        learns from their mean (distillation).
    seed
        Of initial weights, dropout, and the order of windows.
    columns_seen
        Which of the five columns the network reads. None means those that its training windows
        measure; a network that starts from another's weights reads the columns of that one.
    """

    profile: NetworkShape
    epochs: int
    batch_size: int = 256
    in_a_row: int = 8
    windows_per_set: WindowLimit = None
    val_per_set: WindowLimit = VAL_PER_SET
    patience: int = 10
    workers: int = 1
    gpu: bool = False
    teachers: int = 0
    seed: int = 0
    columns_seen: tuple[bool, ...] | None = None

    @property
    def windows_an_epoch(self) -> int:
        """The most windows of an epoch, if each set has a limit of its own; 0 otherwise."""
        limits = self.windows_per_set
        return sum(limits) if isinstance(limits, Sequence) else 0

    @property
    def teacher_plans(self) -> "tuple[TrainingPlan, ...]":
        """The plans of the teachers."""
        return tuple(
            replace(self, teachers=0, seed=self.seed + 1 + index) for index in range(self.teachers)
        )
