"""One training or validation epoch, for a single process and for several workers alike."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from pba.evaluation.metrics import in_band
from pba.models.distribution import decode
from pba.nets.training_steps import TrainingSteps
from pba.telemetry.datasets import WindowSet

__all__ = ["WorkerShare", "stretches_per_batch", "train_epoch", "validate_epoch"]

_VALIDATION_BATCH = 512


@dataclass(frozen=True, slots=True)
class WorkerShare:
    """The share of one process in every batch: every ``world``-th index from ``rank`` on."""

    rank: int = 0
    world: int = 1

    def of(self, batch: np.ndarray) -> np.ndarray:
        """Return this process's share of ``batch``, indices of windows."""
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
    """Train on the stretches that begin at ``order``; return the mean loss.

    Every process passes the same order.

    Parameters
    ----------
    batch_size
        Windows per batch over all processes. The last batch may be smaller; it is dropped if it
        has fewer stretches than there are processes.
    rng
        Random source of the recipe's augmentation.
    on_batch
        Called with the number of batches done and the last one's loss.
    """
    losses, sizes = [], []
    size = stretches_per_batch(batch_size, steps.in_a_row, share.world)
    for batch in _batches(order, size, share.world):
        local = steps.recipe.augment(data.gather(share.of(batch), steps.in_a_row), rng)
        sizes.append(data.count_windows(batch, steps.in_a_row))
        losses.append(steps.train(local, sizes[-1]))
        if on_batch is not None:
            on_batch(len(losses), losses[-1])
    return float(np.average(losses, weights=sizes))


def stretches_per_batch(batch_size: int, in_a_row: int, world: int) -> int:
    """Return the stretches of a batch of ``batch_size`` windows: at least one per process."""
    return max(world, batch_size // in_a_row)


def validate_epoch(
    steps: TrainingSteps, data: WindowSet, order: np.ndarray, share: WorkerShare = WorkerShare()
) -> dict[str, float]:
    """Return ``val_loss``, and one step ahead ``val_mae`` (Mbps) and ``val_accuracy_20``."""
    steps.sync_weights()
    sums = np.zeros(4)
    for batch in _batches(order, _VALIDATION_BATCH, share.world):
        local = data.gather(share.of(batch))
        loss, probabilities, level_mbps = steps.evaluate(local, len(batch))
        point = decode(probabilities[:, :1], level_mbps, steps.recipe.bins).bandwidth_mbps[:, 0]
        actual = local.future_mbps[:, 0]
        hits = in_band(point, actual).sum()
        sums += len(actual), loss * len(actual), np.abs(point - actual).sum(), hits
    count, loss, error, hits = steps.sum_over_workers(sums)
    return {"val_loss": loss / count, "val_mae": error / count, "val_accuracy_20": hits / count}


def _batches(order: np.ndarray, size: int, world: int) -> Iterator[np.ndarray]:
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        if len(batch) >= world:  # otherwise a process would have an empty share
            yield batch
