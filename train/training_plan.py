"""What a training run is asked to do. Values only."""

from dataclasses import dataclass, replace

from pba.telemetry.datasets import WindowLimit
from pba.types.profile import NetworkShape

__all__ = ["TrainingPlan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """One network's run.

    Parameters
    ----------
    profile
        The network's window, units, dropout and learning rate (the peak of the schedule).
    epochs
        The most passes; fewer where validation stops improving.
    batch_size
        Windows a step, over all workers together.
    in_a_row
        Windows of a stretch, which share the steps of their LSTMs.
    windows_per_set
        The most windows that a set gives to an epoch, so that large sets do not drown small ones;
        they are drawn anew each epoch. None takes all; several numbers are of one set each.
    val_per_set
        The most windows of a set to validate on, the same each epoch; likewise.
    patience
        Epochs without a better validation loss after which training stops.
    workers
        Ray Train workers that share each batch.
    teachers
        Networks of the same shape, of the next seeds, that are trained first and then teach this
        one together.
    seed
        Of first weights, dropout, and the order of windows.
    columns_seen
        Which of the five columns the network looks at. None means those that its training windows
        measure; one that starts from another's weights looks at what that one did.
    """

    profile: NetworkShape
    epochs: int
    batch_size: int = 256
    in_a_row: int = 8
    windows_per_set: WindowLimit = None
    val_per_set: WindowLimit = 2000
    patience: int = 10
    workers: int = 1
    teachers: int = 0
    seed: int = 0
    columns_seen: tuple[bool, ...] | None = None

    @property
    def taught(self) -> "tuple[TrainingPlan, ...]":
        """The teachers' own plans."""
        return tuple(
            replace(self, teachers=0, seed=self.seed + 1 + at) for at in range(self.teachers)
        )
