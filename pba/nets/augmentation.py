"""Augmentation of training windows: optional columns, distances, volatility of links."""

import numpy as np

from pba.telemetry.datasets import WindowBatch
from pba.types import COLUMNS, Floats

__all__ = ["augment", "augment_columns"]

_MISSING_SHARE, _SYNTHETIC_SHARE, _LOSSLESS_SHARE = 0.3, 0.4, 0.5
_POWER_SHARE, _LOG_POWER = 0.5, 0.4
_DISTANCE_FACTOR = 10.0
_CLIP = 4.0
_PATH = slice(COLUMNS.index("latency_ms"), COLUMNS.index("jitter_ms") + 1)
_TIMES = [COLUMNS.index("latency_ms"), COLUMNS.index("jitter_ms")]
_PATH_TIMES = [column - _PATH.start for column in _TIMES]
_RATES = [COLUMNS.index("bandwidth_mbps"), COLUMNS.index("throughput_mbps")]
# Powers of ten: 0.03 to 500 ms, 1e-5 to 0.1, 0.003 to 100 ms.
_LEAST, _MOST = (-1.5, -5.0, -2.5), (2.7, -1.0, 2.0)


def augment(batch: WindowBatch, rng: np.random.Generator) -> WindowBatch:
    """Return ``batch`` with other optional columns and with links of other volatility.

    Two stretches in five get synthetic latency, loss and jitter where they have none, including
    the targets; then each optional column is removed with probability 0.3. The network learns to
    work without a column, and that the presence of a column carries no information on bandwidth:
    few public traces have one, and without this step a steady link resembled the one network whose
    loss was measured. It also learns to recognise whether latency returns, stays or jumps; nearly
    all measured latency is of one network, whose peaks last for one sample.

    All rates of every second stretch, including the targets, are raised to a power of 0.67 to
    1.49, which makes its changes smaller or larger, as on a link outside the training data. Such a
    stretch has no targets for intervals: the mean of powers is not the power of the mean.

    Latency and jitter of every stretch, including the targets, are multiplied by a factor of 0.1 to
    10, because a high value in one network is a usual one in another.
    """
    telemetry, path = augment_columns(batch.telemetry, batch.path, rng)
    count = len(telemetry)
    powered = rng.random(count) < _POWER_SHARE
    power = np.where(powered, np.exp(rng.uniform(-_LOG_POWER, _LOG_POWER, count)), 1.0)
    telemetry[..., _RATES] **= power[:, None, None]
    future_mbps = batch.future_mbps ** np.repeat(power, len(batch.future_mbps) // count)[:, None]
    factor = _DISTANCE_FACTOR ** rng.uniform(-1.0, 1.0, count)
    telemetry[..., _TIMES] *= factor[:, None, None]
    path[:, _PATH_TIMES] *= np.repeat(factor, len(path) // count)[:, None]
    is_powered = np.repeat(powered, len(batch.mean_mbps) // count)[:, None]
    mean_mbps = np.where(is_powered, np.nan, batch.mean_mbps)
    parts = (telemetry, future_mbps, path, mean_mbps)
    return WindowBatch(*(part.astype(np.float32) for part in parts))


def augment_columns(
    telemetry: Floats, path: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return ``telemetry`` and ``path`` with columns added and removed, as in `augment`.

    Parameters
    ----------
    telemetry
        Shape ``(stretch, sample, column)``: bandwidth, latency, loss, jitter, and then any others.
    path
        Latency, loss and jitter of the next step, shape ``(batch, 3)``.
    """
    count, length, _ = telemetry.shape
    in_a_row = len(path) // count
    augmented, targets = telemetry.copy(), path.reshape(count, in_a_row, 3).copy()
    measured = augmented[..., _PATH]
    replaced = (rng.random((count, 1)) < _SYNTHETIC_SHARE) & np.isnan(measured).all(axis=1)
    synthetic = _synthetic_path(rng, count, length + 1)
    augmented[..., _PATH] = np.where(replaced[:, None], synthetic[:, :-1], measured)
    targets = np.where(replaced[:, None], synthetic[:, -in_a_row:], targets)
    missing = rng.random((count, augmented.shape[-1] - 1)) < _MISSING_SHARE
    augmented[..., 1:] = np.where(missing[:, None], np.nan, augmented[..., 1:])
    return augmented, targets.reshape(-1, 3)


def _synthetic_path(rng: np.random.Generator, count: int, length: int) -> Floats:
    """Return synthetic latency (ms), loss and jitter (ms), shape ``(count, length, 3)``.

    Each is a level that may jump, times noise of random persistence, and peaks.
    """
    level = 10.0 ** rng.uniform(_LEAST, _MOST, (count, 1, 3))
    log = _persistent(rng, count, length) + _jumps(rng, count, length) + _peaks(rng, count, length)
    path = level * np.exp(np.clip(log, -_CLIP, _CLIP))
    lossy = rng.random((count, 1)) > _LOSSLESS_SHARE
    lossy = lossy & (rng.random((count, length)) < rng.random((count, 1)))
    path[..., 1] = np.minimum(path[..., 1] * lossy, 1.0)
    return path


def _persistent(rng: np.random.Generator, count: int, length: int) -> Floats:
    """Return autoregressive noise with a coefficient of 0 to 1."""
    coefficient = rng.random((count, 3))
    noise = rng.normal(size=(length, count, 3))
    for step in range(1, length):
        innovation = np.sqrt(1.0 - coefficient**2) * noise[step]
        noise[step] = coefficient * noise[step - 1] + innovation
    return 10.0 ** rng.uniform(-2.5, -0.2, (count, 1, 3)) * noise.swapaxes(0, 1)


def _jumps(rng: np.random.Generator, count: int, length: int) -> Floats:
    """Return a level with occasional permanent jumps, on half of the columns."""
    probability = 0.1 * rng.random((count, 1, 3)) * (rng.random((count, 1, 3)) < 0.5)
    jumps = rng.random((count, length, 3)) < probability
    return np.cumsum(jumps * rng.normal(0.0, 0.4, (count, length, 3)), axis=1)


def _peaks(rng: np.random.Generator, count: int, length: int) -> Floats:
    """Return peaks of one sample, on half of the columns."""
    probability = 0.2 * rng.random((count, 1, 3)) * (rng.random((count, 1, 3)) < 0.5)
    peaks = rng.random((count, length, 3)) < probability
    return peaks * rng.exponential(0.7, (count, length, 3))
