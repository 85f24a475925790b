"""From raw telemetry to what the LSTMs see, in `keras.ops`, so that it is part of the graph.

Every function takes and returns Keras tensors of shape ``(batch, step)`` unless it says otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pba.distribution import Bins
from pba.types import COLUMNS, Floats

__all__ = ["Inputs", "inputs", "path_scale"]

_LEVEL_STEPS = 5
_LEVEL_SHARE, _LEVEL_MBPS = 1e-3, 1e-9
_UNMEASURED = 1e3  # above any scaled value, so that a minimum passes it over
PATH_FACTORS = (100.0, 1000.0, 100.0)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What one window looks like to the network.

    Parameters
    ----------
    level_mbps
        The reference level, shape ``(batch,)``: the median of the last 5 bandwidths, at least 0.001
        of the window's largest, and positive.
    log_ratio
        ``log(bandwidth / level)`` within the reach of the bins, shape ``(batch, step)``.
    steps
        All features, shape ``(batch, step, feature)``.
    """

    level_mbps: Any
    log_ratio: Any
    steps: Any


def path_scale(values: Any, factor: float | Floats) -> Any:
    """Return ``log(1 + factor * values)``: of about unit size, and 0 for 0."""
    from keras import ops

    return ops.log(1.0 + factor * values)  # log1p has no ONNX operator


def inputs(telemetry: Any, bins: Bins, seen: Sequence[bool]) -> Inputs:
    """Return the network's view of ``telemetry``, shape ``(batch, step, 5)``.

    Columns that ``seen`` marks as never trained on stay 0, measured or not.
    """
    from keras import ops

    reach = float(bins.edges[-1])
    bandwidth = telemetry[:, :, 0]
    level = _level(bandwidth)
    log_ratio = _log_ratio(bandwidth, level, reach)
    features = [log_ratio, ops.arcsinh(log_ratio / 0.02) / 4.0]
    for column in range(1, len(COLUMNS)):
        raw = telemetry[:, :, column]
        missing = ops.isnan(raw)
        mask = ops.where(missing, 0.0, float(seen[column]))
        value = ops.where(missing, 0.0, raw)
        features += _column(COLUMNS[column], value, mask, level, reach)
        features.append(mask)
    return Inputs(level, log_ratio, ops.stack(features, axis=-1))


def _column(name: str, value: Any, mask: Any, level: Any, reach: float) -> list[Any]:
    """Return the features of one optional column, 0 where ``mask`` is."""
    from keras import ops

    if name == "throughput_mbps":
        return [_log_ratio(value, level, reach) * mask]
    if name == "packet_loss":
        return [path_scale(value, 1000.0) * mask / 7.0]
    scaled = path_scale(value, 100.0) / 10.0
    if name == "jitter_ms":
        return [scaled * mask]
    lowest = ops.min(ops.where(mask > 0.0, scaled, _UNMEASURED), axis=1, keepdims=True)
    return [scaled * mask, (scaled - lowest) * mask]


def _level(bandwidth: Any) -> Any:
    from keras import ops

    recent = ops.sort(bandwidth[:, -_LEVEL_STEPS:], axis=1)[:, _LEVEL_STEPS // 2]
    floor = ops.maximum(_LEVEL_SHARE * ops.max(bandwidth, axis=1), _LEVEL_MBPS)
    return ops.maximum(recent, floor)


def _log_ratio(rate: Any, level: Any, reach: float) -> Any:
    from keras import ops

    ratio = rate / ops.expand_dims(level, 1)
    return ops.clip(ops.log(ops.maximum(ratio, float(np.exp(-reach)))), -reach, reach)
