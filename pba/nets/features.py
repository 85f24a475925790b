"""The network's features of raw telemetry, in `keras.ops`, so that they are part of the graph.

A stretch of telemetry contains one window or, in training, several consecutive ones: a window ends
at each of its last samples. The LSTM inputs of a sample depend on that sample and earlier ones
only, so consecutive windows share them; features that depend on the end of a window are computed
for each window.

Tensors have the shape ``(stretch, sample)`` or ``(window, sample)``, where the windows of all
stretches follow one another.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pba.models.distribution import Bins
from pba.types import COLUMNS, Floats

__all__ = [
    "LEVEL_MBPS",
    "LEVEL_SHARE",
    "LEVEL_STEPS",
    "MAGNIFIED_RATIO",
    "MAGNIFIED_SCALE",
    "PATH_FACTORS",
    "PATH_SCALES",
    "RECENT",
    "Inputs",
    "cut_windows",
    "network_inputs",
    "path_scale",
]

LEVEL_STEPS = 5
LEVEL_SHARE, LEVEL_MBPS = 1e-3, 1e-9
RECENT = 10
MAGNIFIED_RATIO, MAGNIFIED_SCALE = 0.02, 4.0
_UNMEASURED = 1e3  # above any scaled value, so that a minimum ignores it
PATH_FACTORS, PATH_SCALES = (100.0, 1000.0, 100.0), (10.0, 7.0, 10.0)


@dataclass(frozen=True, slots=True)
class Inputs:
    """The network's inputs, derived from telemetry.

    Parameters
    ----------
    level_mbps
        The reference level of each window, shape ``(window,)``: the median of its last 5
        bandwidths, at least 0.001 of its largest, and positive.
    log_ratio
        ``log(bandwidth / level)`` within the reach of the bins, shape ``(window, sample)``.
    recent
        The newest 10 samples of each window beside its level, shape ``(window, feature)``.
    steps
        The LSTM inputs, shape ``(stretch, sample, feature)``.
    """

    level_mbps: Any
    log_ratio: Any
    recent: Any
    steps: Any


def path_scale(values: Any, factor: float | Floats) -> Any:
    """Return ``log(1 + factor * values)``: of about unit size, and 0 for 0."""
    from keras import ops

    return ops.log(1.0 + factor * values)  # log1p has no ONNX operator


def cut_windows(values: Any, window: int, newest: int) -> Any:
    """Return the ``newest`` samples of every window in ``values (stretch, sample, …)``.

    Windows have ``window`` samples; shape ``(window, newest, …)``.
    """
    from keras import ops

    ends = range(window, values.shape[1] + 1)
    frames = ops.stack([values[:, end - newest : end] for end in ends], axis=1)
    return ops.reshape(frames, (-1, newest, *values.shape[2:]))


def network_inputs(telemetry: Any, window: int, bins: Bins, seen: Sequence[bool]) -> Inputs:
    """Return the network's inputs for ``telemetry``, shape ``(stretch, sample, 5)``.

    Columns that ``seen`` marks as absent from the training data are 0, measured or not.
    """
    from keras import ops

    reach = float(bins.edges[-1])
    bandwidth = telemetry[:, :, 0]
    levels = _levels(bandwidth, window)
    others = []
    for column in range(1, len(COLUMNS)):
        raw = telemetry[:, :, column]
        missing = ops.isnan(raw)
        mask = ops.where(missing, 0.0, float(seen[column]))
        value = ops.where(missing, 0.0, raw)
        others += [*_column(COLUMNS[column], value, mask, levels, window, reach), mask]
    steps = ops.stack([*_moves(bandwidth, levels, window, reach), *others], axis=-1)

    level = cut_windows(levels, window, 1)
    log_ratio = _log_ratio(cut_windows(bandwidth, window, window), level, reach)
    newest = log_ratio[:, -RECENT:]
    beside = ops.reshape(
        cut_windows(ops.stack(others, axis=-1), window, RECENT), (-1, RECENT * len(others))
    )
    recent = ops.concatenate([newest, _magnified(newest), beside], axis=-1)
    return Inputs(level[:, 0], log_ratio, recent, steps)


def _moves(bandwidth: Any, levels: Any, window: int, reach: float) -> list[Any]:
    """Return the bandwidth features of each sample: its ratio to the level, the level's change."""
    from keras import ops

    ratio = _log_ratio(bandwidth, levels, reach)
    log_level = ops.log(levels)
    step = ops.clip(log_level - _before(log_level, 1)[:, :-1], -reach, reach)
    usual = _trailing(ops.average_pool, log_level, window // 2)
    return [
        ratio,
        _magnified(ratio),
        step,
        _magnified(step),
        ops.clip(log_level - usual, -reach, reach),
    ]


def _column(name: str, value: Any, mask: Any, levels: Any, window: int, reach: float) -> list[Any]:
    """Return the features of one optional column, 0 where ``mask`` is."""
    from keras import ops

    if name == "throughput_mbps":
        return [_log_ratio(value, levels, reach) * mask]
    place = COLUMNS.index(name) - 1
    scaled = path_scale(value, PATH_FACTORS[place]) / PATH_SCALES[place]
    if name != "latency_ms":
        return [scaled * mask]
    measured = ops.where(mask > 0.0, -scaled, -_UNMEASURED)
    lowest = -_trailing(ops.max_pool, measured, window)
    return [scaled * mask, (scaled - lowest) * mask]


def _levels(bandwidth: Any, window: int) -> Any:
    """Return the reference level at each sample."""
    from keras import ops

    shifted = _before(bandwidth, LEVEL_STEPS - 1)
    count = bandwidth.shape[1]
    newest = ops.stack([shifted[:, i : i + count] for i in range(LEVEL_STEPS)], axis=-1)
    median = ops.sort(newest, axis=-1)[:, :, LEVEL_STEPS // 2]
    most = _trailing(ops.max_pool, bandwidth, window)
    return ops.maximum(median, ops.maximum(LEVEL_SHARE * most, LEVEL_MBPS))


def _before(values: Any, steps: int) -> Any:
    """Return ``values`` with the first of each stretch repeated ``steps`` times in front."""
    from keras import ops

    return ops.concatenate([values[:, :1]] * steps + [values], axis=1)


def _trailing(pool: Callable[..., Any], values: Any, steps: int) -> Any:
    """Return ``pool`` over each sample and the ``steps - 1`` before it."""
    padded = _before(values, steps - 1)[:, :, None]
    return pool(padded, steps, 1, padding="valid")[:, :, 0]


def _log_ratio(rate: Any, level: Any, reach: float) -> Any:
    from keras import ops

    ratio = rate / level
    return ops.clip(ops.log(ops.maximum(ratio, float(np.exp(-reach)))), -reach, reach)


def _magnified(log_ratio: Any) -> Any:
    """Return log-ratios on a scale that resolves those of a few per cent."""
    from keras import ops

    return ops.arcsinh(log_ratio / MAGNIFIED_RATIO) / MAGNIFIED_SCALE
