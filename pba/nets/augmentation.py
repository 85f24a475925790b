"""Windows made harder on purpose: other columns, other distances, steadier and wilder links."""

import numpy as np

from pba.telemetry.datasets import WindowBatch
from pba.types import COLUMNS, Floats

__all__ = ["vary", "with_other_columns"]

_LOST_SHARE, _MADE_UP_SHARE, _LOSSLESS_SHARE = 0.3, 0.4, 0.5
_BENT_SHARE, _BEND = 0.5, 0.4
_FARTHEST = 10.0
_FAR = 4.0
_PATH = slice(COLUMNS.index("latency_ms"), COLUMNS.index("jitter_ms") + 1)
_TIMES = [COLUMNS.index("latency_ms"), COLUMNS.index("jitter_ms")]
_PATH_TIMES = [column - _PATH.start for column in _TIMES]
_RATES = [COLUMNS.index("bandwidth_mbps"), COLUMNS.index("throughput_mbps")]
# Powers of ten: 0.03 to 500 ms, 1e-5 to 0.1, 0.003 to 100 ms.
_LEAST, _MOST = (-1.5, -5.0, -2.5), (2.7, -1.0, 2.0)


def vary(batch: WindowBatch, rng: np.random.Generator) -> WindowBatch:
    """Return ``batch`` with other optional columns and with links of other restlessness.

    Two stretches in five get latency, loss and jitter made up where they have none, what comes
    next of them too; then each optional column is taken away with probability 0.3. So the network
    learns to do without, and that a column's being there says nothing of bandwidth: few public
    traces have one, and without this a steady link looked to it like the one network whose loss
    was measured. And it learns to tell from a window whether its latency returns, stays or jumps,
    where nearly all that was ever measured is of one network, whose peaks last for one sample.

    Of every second stretch all rates, those to come too, are raised to a power of 0.67 to 1.49:
    its changes become that much smaller or larger, as on a link that was never measured.

    Latency and jitter of every stretch, those to come too, are multiplied by a factor of 0.1 to
    10: what is high in one network is usual in another.
    """
    telemetry, path = with_other_columns(batch.telemetry, batch.path, rng)
    count = len(telemetry)
    bent = rng.random(count) < _BENT_SHARE
    power = np.where(bent, np.exp(rng.uniform(-_BEND, _BEND, count)), 1.0)
    telemetry[..., _RATES] **= power[:, None, None]
    future_mbps = batch.future_mbps ** np.repeat(power, len(batch.future_mbps) // count)[:, None]
    farther = _FARTHEST ** rng.uniform(-1.0, 1.0, count)
    telemetry[..., _TIMES] *= farther[:, None, None]
    path[:, _PATH_TIMES] *= np.repeat(farther, len(path) // count)[:, None]
    parts = (telemetry, future_mbps, path)
    return WindowBatch(*(part.astype(np.float32) for part in parts))


def with_other_columns(
    telemetry: Floats, path: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return ``telemetry`` and ``path`` with columns made up and taken away, as `vary` says.

    Parameters
    ----------
    telemetry
        Shape ``(stretch, sample, column)``: bandwidth, latency, loss, jitter, and then any others.
    path
        What comes next of latency, loss and jitter, shape ``(batch, 3)``.
    """
    count, length, _ = telemetry.shape
    in_a_row = len(path) // count
    varied, coming = telemetry.copy(), path.reshape(count, in_a_row, 3).copy()
    given = varied[..., _PATH]
    wanted = (rng.random((count, 1)) < _MADE_UP_SHARE) & np.isnan(given).all(axis=1)
    made_up = _made_up(rng, count, length + 1)
    varied[..., _PATH] = np.where(wanted[:, None], made_up[:, :-1], given)
    coming = np.where(wanted[:, None], made_up[:, -in_a_row:], coming)
    lost = rng.random((count, varied.shape[-1] - 1)) < _LOST_SHARE
    varied[..., 1:] = np.where(lost[:, None], np.nan, varied[..., 1:])
    return varied, coming.reshape(-1, 3)


def _made_up(rng: np.random.Generator, count: int, length: int) -> Floats:
    """Return latency (ms), loss and jitter (ms) of any size and temper, ``(count, length, 3)``.

    Each is a level that may jump, times noise that may be of any persistence, and peaks.
    """
    level = 10.0 ** rng.uniform(_LEAST, _MOST, (count, 1, 3))
    log = _persistent(rng, count, length) + _jumps(rng, count, length) + _peaks(rng, count, length)
    path = level * np.exp(np.clip(log, -_FAR, _FAR))
    lossy = rng.random((count, 1)) > _LOSSLESS_SHARE
    lossy = lossy & (rng.random((count, length)) < rng.random((count, 1)))
    path[..., 1] = np.minimum(path[..., 1] * lossy, 1.0)
    return path


def _persistent(rng: np.random.Generator, count: int, length: int) -> Floats:
    """Return noise of which a share of 0 to 1 lasts to the next sample (autoregressive)."""
    lasting = rng.random((count, 3))
    noise = rng.normal(size=(length, count, 3))
    for at in range(1, length):
        noise[at] = lasting * noise[at - 1] + np.sqrt(1.0 - lasting**2) * noise[at]
    return 10.0 ** rng.uniform(-2.5, -0.2, (count, 1, 3)) * noise.swapaxes(0, 1)


def _jumps(rng: np.random.Generator, count: int, length: int) -> Floats:
    """Return a level that moves now and then and stays, on half of the columns."""
    often = 0.1 * rng.random((count, 1, 3)) * (rng.random((count, 1, 3)) < 0.5)
    jumped = rng.random((count, length, 3)) < often
    return np.cumsum(jumped * rng.normal(0.0, 0.4, (count, length, 3)), axis=1)


def _peaks(rng: np.random.Generator, count: int, length: int) -> Floats:
    """Return peaks of one sample, on half of the columns."""
    often = 0.2 * rng.random((count, 1, 3)) * (rng.random((count, 1, 3)) < 0.5)
    return (rng.random((count, length, 3)) < often) * rng.exponential(0.7, (count, length, 3))
