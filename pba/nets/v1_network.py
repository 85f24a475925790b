"""v1's network, the control arm: six plain features of 10 samples in, four numbers out.

Features are standardised logarithms, with constants of the training data; what was not measured is
taken for their mean. Its answer is a number. That it can be served, scored and compared as the
others are, its error on other data is a fixed distribution about that number.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from pba.models import v1_features
from pba.models.distribution import Bins
from pba.nets.augmentation import with_other_columns
from pba.nets.features import PATH_FACTORS, cut, path_scale
from pba.nets.seeds import glorot, lstm_weights, seed_from
from pba.telemetry.datasets import WindowBatch
from pba.types import HORIZONS, Floats
from pba.types.profile import NetworkShape

__all__ = ["SHAPE", "FeatureScale", "build", "loss", "vary", "with_spread"]

SHAPE = NetworkShape(v1_features.NAME, v1_features.WINDOW, (128, 64), 0.2, 1e-3, 30)
"""What v1's network is, and the defaults of its training."""

_LEAST_MBPS, _MOST_MBPS = 0.01, 1e7
_MOST = (1e6, 1.0, 1e6)
_SAID = 1 + len(PATH_FACTORS)
_DATED_SHARE = 0.5
_HOURS, _WEEKDAYS = 24, 7


@dataclass(frozen=True, slots=True)
class FeatureScale:
    """Mean and standard deviation of each feature's logarithm (of hour and weekday themselves)."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def of(cls, values: Floats) -> Self:
        """Return the scale of ``values (sample, 6)``; 0 and 1 for what was never measured.

        >>> Scale.of(np.array([[100.0, np.nan, 0.0, 5.0, 0.0, 1.0]])).deviation
        (1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
        """
        mean, deviation = [], []
        for column, raw in enumerate(values.T.astype(np.float64)):
            known = raw[~np.isnan(raw)]
            if column == 0:
                known = np.log(np.maximum(known, _LEAST_MBPS))
            elif column < _SAID:
                known = np.log(1.0 + PATH_FACTORS[column - 1] * known)
            mean.append(float(known.mean()) if known.size else 0.0)
            deviation.append((float(known.std()) if known.size else 0.0) or 1.0)
        return cls(tuple(mean), tuple(deviation))


def build(
    shape: NetworkShape, bins: Bins, scale: FeatureScale, seed: int = 0, in_a_row: int = 1
) -> Any:
    """Return an untrained network; see `pba.nets.network.build`.

    Beside what every network says it gives ``answer (batch, 4)``: bandwidth, latency, loss and
    jitter as standardised logarithms, for the loss. Until `with_spread` its distribution says that
    it is never wrong.

    Parameters
    ----------
    in_a_row
        Windows that a stretch of telemetry holds. They share nothing: each is looked at alone.
    """
    import keras
    from keras import layers

    draw = np.random.default_rng(seed)
    length = shape.window + in_a_row - 1
    telemetry = keras.Input((length, len(v1_features.COLUMNS)), dtype="float32", name="telemetry")
    windows = cut(telemetry, shape.window, shape.window)
    state = _standardised(windows, scale)
    for at, units in enumerate(shape.units):
        more = at < len(shape.units) - 1
        state = layers.LSTM(units, return_sequences=more, **lstm_weights(draw))(state)
        state = layers.Dropout(shape.dropout, seed=seed_from(draw))(state)
    answer = layers.Dense(_SAID, kernel_initializer=glorot(draw), name="answer")(state)
    never_wrong = np.zeros((len(HORIZONS), len(bins)))
    never_wrong[:, bins.index(np.array(0.0))] = 1.0
    level = _level(answer[:, 0], scale)
    outputs = {
        "probabilities": _fixed(never_wrong, level),
        "level_mbps": level,
        "path": _path(answer, windows, scale),
        "answer": answer,
    }
    return keras.Model(telemetry, outputs, name=shape.mode)


def loss(scale: FeatureScale, outputs: dict[str, Any], future_mbps: Any, path: Any) -> Any:
    """Return the sum of squared errors of the standardised logarithms one step ahead, ``(batch,)``.

    What was not measured does not count.
    """
    import tensorflow as tf

    actual = tf.concat([future_mbps[:, :1], path], axis=1)
    known = ~tf.math.is_nan(actual)
    # Made finite before the logarithm: a NaN that is masked later still spoils gradients.
    wanted = _standardised(tf.where(known, actual, 0.0), scale)
    return tf.reduce_sum(tf.where(known, (outputs["answer"] - wanted) ** 2, 0.0), axis=-1)


def vary(batch: WindowBatch, rng: np.random.Generator) -> WindowBatch:
    """Return ``batch`` with other optional columns, and with dates where there is none.

    What a trace measured, and whether it tells the time, says which network it is of. So columns
    are made up and taken away as for the other networks (`pba.nets.augmentation`), and half of the
    stretches that tell no time get one at random.
    """
    telemetry = batch.telemetry.copy()
    count = len(telemetry)
    undated = np.isnan(telemetry[..., _SAID:]).any(axis=(1, 2))
    dated = undated & (rng.random(count) < _DATED_SHARE)
    when = np.stack([rng.integers(_HOURS, size=count), rng.integers(_WEEKDAYS, size=count)], axis=1)
    telemetry[dated, :, _SAID:] = when[dated, None]
    telemetry, path = with_other_columns(telemetry, batch.path, rng)
    return WindowBatch(telemetry.astype(np.float32), batch.future_mbps, path.astype(np.float32))


def with_spread(model: Any, spread: Floats) -> Any:
    """Return ``model``, its weights shared, as unsure as ``spread (horizon, bin)`` says."""
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
        elif column < _SAID:
            known = path_scale(known, PATH_FACTORS[column - 1])
        standard = (known - scale.mean[column]) / scale.deviation[column]
        columns.append(ops.where(missing, 0.0, standard))
    return ops.stack(columns, axis=-1)


def _level(answer: Any, scale: FeatureScale) -> Any:
    from keras import ops

    log = scale.mean[0] + scale.deviation[0] * answer
    return ops.exp(ops.clip(log, float(np.log(_LEAST_MBPS)), float(np.log(_MOST_MBPS))))


def _path(answer: Any, windows: Any, scale: FeatureScale) -> Any:
    """Return latency (ms), loss and jitter (ms), NaN where the window holds none."""
    from keras import ops

    said = []
    for column, factor, most in zip(range(1, _SAID), PATH_FACTORS, _MOST, strict=True):
        log = scale.mean[column] + scale.deviation[column] * answer[:, column]
        value = (ops.exp(ops.clip(log, 0.0, float(np.log(1.0 + factor * most)))) - 1.0) / factor
        lost = ops.isnan(windows[:, :, column])
        measured = ops.max(ops.where(lost, 0.0, 1.0), axis=1)
        said.append(ops.where(measured > 0.0, value, float("nan")))
    return ops.stack(said, axis=-1)


def _fixed(probabilities: Floats, level: Any) -> Any:
    """Return the same ``probabilities (horizon, bin)`` for each window."""
    from keras import ops

    rows = ops.zeros_like(level)[:, None, None]
    return ops.add(rows, probabilities.astype(np.float32)[None])
