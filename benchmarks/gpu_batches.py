"""Windows in batches of one size, for `benchmarks.gpu_training`."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from benchmarks.gpu_networks import Network
from pba.telemetry.datasets import WindowBatch
from pba.types import Floats

VALIDATION_BATCH = 512


class Batches(NamedTuple):
    """Batches of one size, each with the windows that count in it; padding has no targets."""

    windows: WindowBatch
    sizes: Floats


def epoch_batches(network: Network, epoch: int, batches: int) -> Batches:
    """Return the batches of an epoch, as `pba.nets.epochs.train_epoch` draws them."""
    row, order = network.plan.in_a_row, network.order(epoch)
    rng = np.random.default_rng([network.plan.seed, epoch, 0])
    parts = []
    for start in range(0, batches * network.batch, network.batch):
        chosen = order[start : start + network.batch]
        windows = network.train.gather(chosen, row)
        if len(chosen):
            windows = network.recipe.augment(windows, rng)
        size = network.train.count_windows(chosen, row)
        parts.append(Batches(_padded(windows, network.batch, row), np.float32(size)))
    return stacked(parts)


def validation_batches(network: Network, batches: int) -> Batches:
    """Return the validation windows in batches."""
    starts = range(0, batches * VALIDATION_BATCH, VALIDATION_BATCH)
    chosen = [network.val_order[start : start + VALIDATION_BATCH] for start in starts]
    return stacked(
        Batches(_padded(network.val.gather(one), VALIDATION_BATCH, 1), np.float32(len(one)))
        for one in chosen
    )


def _padded(windows: WindowBatch, stretches: int, in_a_row: int) -> WindowBatch:
    """Return ``windows`` with steady links without targets up to the size of a batch."""
    telemetry, *targets = windows
    missing = stretches - len(telemetry)
    steady = np.ones((missing, *telemetry.shape[1:]), np.float32)
    unknown = np.full((missing * in_a_row, targets[0].shape[1]), np.nan, np.float32)
    rest = (np.concatenate([one, unknown]).astype(np.float32) for one in targets)
    return WindowBatch(np.concatenate([telemetry, steady]), *rest)


def stacked(parts: Iterable[Batches]) -> Batches:
    """Return parts of equal size as one, with a first axis for the parts."""
    windows, sizes = zip(*parts, strict=True)
    arrays = (np.stack(one) for one in zip(*windows, strict=True))
    return Batches(WindowBatch(*arrays), np.stack(sizes))
