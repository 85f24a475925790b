"""One pass over a set of windows, to learn or to check; the same for one process and for many."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from pba.evaluation.metrics import in_band
from pba.models.distribution import decode
from pba.nets.training_steps import TrainingSteps
from pba.telemetry.datasets import WindowSet

__all__ = ["WorkerShare", "validate_epoch", "train_epoch", "stretches_a_batch"]

_CHECK_BATCH = 512


@dataclass(frozen=True, slots=True)
class WorkerShare:
    """Which part of every batch is this process's: every ``world``-th index from ``rank`` on."""

    rank: int = 0
    world: int = 1

    def of(self, batch: np.ndarray) -> np.ndarray:
        """Return this process's part of ``batch``, indices of windows."""
        return batch[self.rank :: self.world]


def train_epoch(
    steps: TrainingSteps,
    data: WindowSet,
    order: np.ndarray,
    batch_size: int,
    rng: np.random.Generator,
    share: WorkerShare = WorkerShare(),
    on_batch: Callable[[int, float], None] | None = None,
) -> float:
    """Learn from the stretches that begin at ``order``; return the mean loss.

    Every process passes the same order.

    Parameters
    ----------
    batch_size
        Windows a batch over all processes; what is left at the end makes a smaller one, unless it
        has fewer stretches than there are processes.
    rng
        Decides how stretches are varied, as the recipe says.
    on_batch
        Called with the number of batches done and the last one's loss.
    """
    losses, sizes = [], []
    size = stretches_a_batch(batch_size, steps.in_a_row, share.world)
    for batch in _batches(order, size, share.world):
        mine = steps.recipe.vary(data.gather(share.of(batch), steps.in_a_row), rng)
        sizes.append(data.held(batch, steps.in_a_row))
        losses.append(steps.train(mine, sizes[-1]))
        if on_batch is not None:
            on_batch(len(losses), losses[-1])
    return float(np.average(losses, weights=sizes))


def stretches_a_batch(batch_size: int, in_a_row: int, world: int) -> int:
    """Return how many stretches make a batch of ``batch_size`` windows: one a process at least."""
    return max(world, batch_size // in_a_row)


def validate_epoch(
    steps: TrainingSteps, data: WindowSet, order: np.ndarray, share: WorkerShare = WorkerShare()
) -> dict[str, float]:
    """Return ``val_loss``, and one step ahead ``val_mae`` (Mbps) and ``val_accuracy_20``."""
    steps.catch_up()
    sums = np.zeros(4)
    for batch in _batches(order, _CHECK_BATCH, share.world):
        mine = data.gather(share.of(batch))
        loss, probabilities, level_mbps = steps.evaluate(mine, len(batch))
        said = decode(probabilities[:, :1], level_mbps, steps.recipe.bins).bandwidth_mbps[:, 0]
        actual = mine.future_mbps[:, 0]
        hits = in_band(said, actual).sum()
        sums += len(actual), loss * len(actual), np.abs(said - actual).sum(), hits
    count, loss, error, hits = steps.add_up(sums)
    return {"val_loss": loss / count, "val_mae": error / count, "val_accuracy_20": hits / count}


def _batches(order: np.ndarray, size: int, world: int) -> Iterator[np.ndarray]:
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        if len(batch) >= world:  # otherwise a process would have nothing to do
            yield batch
