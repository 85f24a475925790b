"""The network of v1, the control arm: six features of 10 samples in, four numbers out.

Features are standardised logarithms, with constants of the training data; missing values are
replaced by the training mean. Its output is a point forecast. So that it can be served, scored and
compared like the others, its error on validation data is a fixed distribution around that point.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from pba.models import v1_features
from pba.models.distribution import Bins
from pba.nets.augmentation import augment_columns
from pba.nets.features import PATH_FACTORS, cut_windows, path_scale
from pba.nets.seeds import glorot, lstm_weights, seed_from
from pba.telemetry.datasets import WindowBatch
from pba.types import HORIZONS, Floats
from pba.types.profile import NetworkShape

__all__ = ["SHAPE", "FeatureScale", "build", "loss", "augment", "with_spread"]

SHAPE = NetworkShape(v1_features.NAME, v1_features.WINDOW, (128, 64), 0.2, 1e-3, 30, ())
"""The shape of v1's network, and the defaults of its training."""

_LEAST_MBPS, _MOST_MBPS = 0.01, 1e7
_MOST = (1e6, 1.0, 1e6)
_OUTPUTS = 1 + len(PATH_FACTORS)
_DATE_SHARE = 0.5
_HOURS, _WEEKDAYS = 24, 7


@dataclass(frozen=True, slots=True)
class FeatureScale:
    """Mean and standard deviation of each feature's logarithm; hour and weekday are used as is."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def of(cls, values: Floats) -> Self:
        """Return the scale of ``values (sample, 6)``; 0 and 1 for a column without values.

        >>> FeatureScale.of(np.array([[100.0, np.nan, 0.0, 5.0, 0.0, 1.0]])).deviation
        (1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
        """
        mean, deviation = [], []
        for column, raw in enumerate(values.T.astype(np.float64)):
            known = raw[~np.isnan(raw)]
            if column == 0:
                known = np.log(np.maximum(known, _LEAST_MBPS))
            elif column < _OUTPUTS:
                known = np.log(1.0 + PATH_FACTORS[column - 1] * known)
            mean.append(float(known.mean()) if known.size else 0.0)
            deviation.append((float(known.std()) if known.size else 0.0) or 1.0)
        return cls(tuple(mean), tuple(deviation))


def build(
    shape: NetworkShape, bins: Bins, scale: FeatureScale, seed: int = 0, in_a_row: int = 1
) -> Any:
    """Return an untrained network; see `pba.nets.network.build`.

    In addition to the outputs of every network it has ``answer (batch, 4)`` for the loss:
    bandwidth, latency, loss and jitter as standardised logarithms. Until `with_spread`, all
    probability is in the bin of the point.

    Parameters
    ----------
    in_a_row
        Consecutive windows in a stretch of telemetry. They share no computation.
    """
    import keras
    from keras import layers

    draw = np.random.default_rng(seed)
    length = shape.window + in_a_row - 1
    telemetry = keras.Input((length, len(v1_features.COLUMNS)), dtype="float32", name="telemetry")
    windows = cut_windows(telemetry, shape.window, shape.window)
    state = _standardised(windows, scale)
    for index, units in enumerate(shape.units):
        sequences = index < len(shape.units) - 1
        state = layers.LSTM(units, return_sequences=sequences, **lstm_weights(draw))(state)
        state = layers.Dropout(shape.dropout, seed=seed_from(draw))(state)
    answer = layers.Dense(_OUTPUTS, kernel_initializer=glorot(draw), name="answer")(state)
    certain = np.zeros((len(HORIZONS), len(bins)))
    certain[:, bins.index(np.array(0.0))] = 1.0
    level = _level(answer[:, 0], scale)
    outputs = {
        "probabilities": _fixed(certain, level),
        "level_mbps": level,
        "path": _path(answer, windows, scale),
        "answer": answer,
    }
    return keras.Model(telemetry, outputs, name=shape.mode)


def loss(
    scale: FeatureScale, outputs: dict[str, Any], future_mbps: Any, path: Any, mean_mbps: Any
) -> Any:
    """Return the sum of squared errors of the standardised logarithms one step ahead, ``(batch,)``.

    Missing values are excluded, and so is ``mean_mbps``: it predicts no interval.
    """
    import tensorflow as tf

    actual = tf.concat([future_mbps[:, :1], path], axis=1)
    known = ~tf.math.is_nan(actual)
    # Made finite before the logarithm: a NaN that is masked later still enters gradients.
    target = _standardised(tf.where(known, actual, 0.0), scale)
    return tf.reduce_sum(tf.where(known, (outputs["answer"] - target) ** 2, 0.0), axis=-1)


def augment(batch: WindowBatch, rng: np.random.Generator) -> WindowBatch:
    """Return ``batch`` with other optional columns, and with times where there are none.

    Which columns a trace has, and whether it has absolute times, identifies its network. So columns
    are added and removed as for the other networks (`pba.nets.augmentation`), and half of the
    stretches without a time get a random one.
    """
    telemetry = batch.telemetry.copy()
    count = len(telemetry)
    undated = np.isnan(telemetry[..., _OUTPUTS:]).any(axis=(1, 2))
    dated = undated & (rng.random(count) < _DATE_SHARE)
    dates = np.stack(
        [rng.integers(_HOURS, size=count), rng.integers(_WEEKDAYS, size=count)], axis=1
    )
    telemetry[dated, :, _OUTPUTS:] = dates[dated, None]
    telemetry, path = augment_columns(telemetry, batch.path, rng)
    return batch._replace(telemetry=telemetry.astype(np.float32), path=path.astype(np.float32))


def with_spread(model: Any, spread: Floats) -> Any:
    """Return ``model``, with shared weights, with the distribution ``spread (horizon, bin)``."""
    import keras

    (telemetry,) = model.inputs
    outputs = {name: model.output[name] for name in ("level_mbps", "path")}
    outputs["probabilities"] = _fixed(spread, outputs["level_mbps"])
    return keras.Model(telemetry, outputs, name=model.name)


def _standardised(values: Any, scale: FeatureScale) -> Any:
    """Return ``values (…, column)`` as standardised logarithms, 0 where NaN."""
    from keras import ops

    columns = []
    for column in range(values.shape[-1]):
        raw = values[..., column]
        missing = ops.isnan(raw)
        known = ops.where(missing, 0.0, raw)
        if column == 0:
            known = ops.log(ops.maximum(known, _LEAST_MBPS))
        elif column < _OUTPUTS:
            known = path_scale(known, PATH_FACTORS[column - 1])
        standard = (known - scale.mean[column]) / scale.deviation[column]
        columns.append(ops.where(missing, 0.0, standard))
    return ops.stack(columns, axis=-1)


def _level(answer: Any, scale: FeatureScale) -> Any:
    from keras import ops

    log = scale.mean[0] + scale.deviation[0] * answer
    return ops.exp(ops.clip(log, float(np.log(_LEAST_MBPS)), float(np.log(_MOST_MBPS))))


def _path(answer: Any, windows: Any, scale: FeatureScale) -> Any:
    """Return latency (ms), loss and jitter (ms), NaN where the window has no measurement."""
    from keras import ops

    columns = []
    for column, factor, most in zip(range(1, _OUTPUTS), PATH_FACTORS, _MOST, strict=True):
        log = scale.mean[column] + scale.deviation[column] * answer[:, column]
        value = (ops.exp(ops.clip(log, 0.0, float(np.log(1.0 + factor * most)))) - 1.0) / factor
        missing = ops.isnan(windows[:, :, column])
        measured = ops.max(ops.where(missing, 0.0, 1.0), axis=1)
        columns.append(ops.where(measured > 0.0, value, float("nan")))
    return ops.stack(columns, axis=-1)


def _fixed(probabilities: Floats, level: Any) -> Any:
    """Return the same ``probabilities (horizon, bin)`` for each window."""
    from keras import ops

    rows = ops.zeros_like(level)[:, None, None]
    return ops.add(rows, probabilities.astype(np.float32)[None])
