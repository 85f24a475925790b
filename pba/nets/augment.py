"""Windows made harder on purpose: other columns, other distances, steadier and wilder links."""

import numpy as np

from pba.nets.data import Batch
from pba.types import COLUMNS, Floats

__all__ = ["vary"]

_LOST_SHARE, _MADE_UP_SHARE, _LOSSLESS_SHARE = 0.3, 0.4, 0.5
_BENT_SHARE, _BEND = 0.5, 0.4
_FARTHEST = 10.0
_PATH = slice(COLUMNS.index("latency_ms"), COLUMNS.index("jitter_ms") + 1)
_TIMES = [COLUMNS.index("latency_ms"), COLUMNS.index("jitter_ms")]
_PATH_TIMES = [column - _PATH.start for column in _TIMES]
_RATES = [COLUMNS.index("bandwidth_mbps"), COLUMNS.index("throughput_mbps")]
# Powers of ten: 0.03 to 500 ms, 1e-5 to 0.1, 0.003 to 100 ms.
_LEAST, _MOST = (-1.5, -5.0, -2.5), (2.7, -1.0, 2.0)


def vary(batch: Batch, rng: np.random.Generator) -> Batch:
    """Return ``batch`` with other optional columns and with links of other restlessness.

    Two stretches in five get latency, loss and jitter made up where they have none; then each
    optional column is taken away with probability 0.3. So the network learns to do without, and
    that a column's being there says nothing: few public traces have one, and without this a
    steady link looked to it like the one network whose loss was measured.

    Of every second stretch all rates, those to come too, are raised to a power of 0.67 to 1.49:
    its changes become that much smaller or larger, as on a link that was never measured.

    Latency and jitter of every stretch, those to come too, are multiplied by a factor of 0.1 to
    10. One network measured nearly all the latency there is to learn from; without this, what is
    high there was high everywhere, and fell, the network said.
    """
    telemetry = _with_other_columns(batch.telemetry, rng)
    count = len(telemetry)
    bent = rng.random(count) < _BENT_SHARE
    power = np.where(bent, np.exp(rng.uniform(-_BEND, _BEND, count)), 1.0)
    telemetry[..., _RATES] **= power[:, None, None]
    future_mbps = batch.future_mbps ** np.repeat(power, len(batch.future_mbps) // count)[:, None]
    farther = _FARTHEST ** rng.uniform(-1.0, 1.0, count)
    telemetry[..., _TIMES] *= farther[:, None, None]
    path = batch.path.copy()
    path[:, _PATH_TIMES] *= np.repeat(farther, len(path) // count)[:, None]
    return Batch(telemetry.astype(np.float32), future_mbps.astype(np.float32), path)


def _with_other_columns(telemetry: Floats, rng: np.random.Generator) -> Floats:
    count, length, _ = telemetry.shape
    varied = telemetry.copy()
    path = varied[..., _PATH]
    wanted = (rng.random((count, 1)) < _MADE_UP_SHARE) & np.isnan(path).all(axis=1)
    varied[..., _PATH] = np.where(wanted[:, None], _made_up(rng, count, length), path)
    lost = rng.random((count, len(COLUMNS) - 1)) < _LOST_SHARE
    varied[..., 1:] = np.where(lost[:, None], np.nan, varied[..., 1:])
    return varied


def _made_up(rng: np.random.Generator, count: int, length: int) -> Floats:
    """Return latency (ms), loss and jitter (ms) of any size and restlessness, without meaning."""
    level = 10.0 ** rng.uniform(_LEAST, _MOST, (count, 1, 3))
    restless = 10.0 ** rng.uniform(-2.5, -0.2, (count, 1, 3))
    path = level * np.exp(restless * rng.normal(size=(count, length, 3)))
    lossy = rng.random((count, 1)) > _LOSSLESS_SHARE
    lossy = lossy & (rng.random((count, length)) < rng.random((count, 1)))
    path[..., 1] = np.minimum(path[..., 1] * lossy, 1.0)
    return path
