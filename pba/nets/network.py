"""The two networks, from raw telemetry to distributions: one graph for Keras and ONNX."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pba.models.distribution import Bins
from pba.nets import heads
from pba.nets.features import Inputs, cut_windows, network_inputs
from pba.nets.restlessness import keras_restlessness
from pba.nets.seeds import glorot, lstm_weights, seed_from
from pba.nets.sharpness import Sharpness
from pba.types import COLUMNS, HORIZONS, Floats
from pba.types.profile import NetworkShape

__all__ = ["SPANS", "build", "calibrate", "weights_of"]

_HIDDEN, _HIDDEN_DROPOUT = 256, 0.1
SPANS = (5, 15)


def build(
    profile: NetworkShape, bins: Bins, seen: Sequence[bool], seed: int = 0, in_a_row: int = 1
) -> Any:
    """Return an untrained network.

    Parameters
    ----------
    profile
        Gives window, LSTM units and dropout.
    bins
        The layout of the probabilities.
    seen
        Which of the five columns the training data has. The others are 0 to the network, so that
        a column without training data cannot affect its output.
    seed
        Of the initial weights and of dropout.
    in_a_row
        Consecutive windows in a stretch of telemetry. In training they share their LSTM steps: 64
        samples contain 5 windows of 60 and cost little more than one. The weights are the same.

    Returns
    -------
    keras.Model
        ``telemetry (stretch, window + in_a_row - 1, 5)`` → ``probabilities (batch, horizon, bin)``,
        ``level_mbps (batch,)``, ``path (batch, 3)`` and, where the profile has intervals,
        ``intervals (batch, interval, bin)``, as in `pba.models.base.Prediction`; the batch has
        every window of the first stretch, then those of the next.
        Only built-in layers and operations, so that `.keras` files load without this package.
    """
    import keras

    draw = np.random.default_rng(seed)  # keras.utils.set_random_seed would reseed the whole process
    length = profile.window + in_a_row - 1
    telemetry = keras.Input((length, len(COLUMNS)), dtype="float32", name="telemetry")
    view = network_inputs(telemetry, profile.window, bins, seen)
    hidden = _hidden(profile, view, draw)
    outputs = {
        "probabilities": heads.probabilities(hidden, view.log_ratio, bins, draw),
        "level_mbps": view.level_mbps,
        "path": heads.path(hidden, cut_windows(telemetry, profile.window, profile.window)),
    }
    if count := len(profile.intervals):
        outputs["intervals"] = heads.intervals(hidden, view.log_ratio, count, bins, draw)
    return keras.Model(telemetry, outputs, name=str(profile.mode))


def calibrate(model: Any, bins: Bins, sharpness: Sharpness) -> Any:
    """Return ``model``, built for single windows, with shared weights, calibrated."""
    import keras

    (telemetry,) = model.inputs
    outputs = dict(model.output)
    powers = _powers(telemetry, outputs["level_mbps"], sharpness, float(bins.edges[-1]))
    horizons = len(HORIZONS)
    outputs["probabilities"] = heads.sharpen(outputs["probabilities"], bins, powers[:, :horizons])
    if "intervals" in outputs:
        outputs["intervals"] = heads.sharpen(outputs["intervals"], bins, powers[:, horizons:])
    return keras.Model(telemetry, outputs, name=model.name)


def _powers(telemetry: Any, level_mbps: Any, sharpness: Sharpness, reach: float) -> Any:
    """Return the powers of each window, ``(batch, target)``, or ``(1, target)`` if constant."""
    from keras import ops

    starts, lengths, first, slopes = (one.astype(np.float32) for one in sharpness.ramps)
    if not len(starts):
        return np.exp(first)[None]
    restless = keras_restlessness(telemetry[:, :, 0], level_mbps, reach)
    ramps = ops.minimum(ops.maximum(ops.expand_dims(restless, 1) - starts, 0.0), lengths)
    return ops.exp(ops.matmul(ramps, slopes.T) + first)


def weights_of(saved: Any, profile: NetworkShape, bins: Bins, seen: Sequence[bool]) -> list[Floats]:
    """Return the weights of ``saved``, a calibrated network, in the order of `build`.

    A calibrated graph lists its layers in another order, so its weights go by the layers' names.

    Raises
    ------
    ValueError
        If ``saved`` is not such a network.
    """
    plain = build(profile, bins, seen)
    for layer in plain.layers:
        if layer.weights:
            layer.set_weights(saved.get_layer(layer.name).get_weights())
    weights: list[Floats] = plain.get_weights()
    return weights


def _hidden(profile: NetworkShape, view: Inputs, draw: np.random.Generator) -> Any:
    """Return the hidden state of each window from LSTMs and shortcuts, ``(batch, unit)``."""
    from keras import layers

    state = view.steps
    for place, units in enumerate(profile.units, 1):
        lstm = layers.LSTM(units, return_sequences=True, name=f"lstm_{place}", **lstm_weights(draw))
        state = lstm(state)
        state = layers.Dropout(profile.dropout, seed=seed_from(draw))(state)
    last = cut_windows(state, profile.window, 1)[:, 0]
    joined = layers.Concatenate()([last, view.recent, _statistics(view.log_ratio)])
    first = _dense(joined, draw, "dense_1")
    return layers.Concatenate()([first, _dense(first, draw, "dense_2")])


def _dense(inputs: Any, draw: np.random.Generator, name: str) -> Any:
    from keras import layers, ops

    hidden = layers.Dense(_HIDDEN, kernel_initializer=glorot(draw), name=name)(inputs)
    hidden = ops.gelu(hidden, approximate=True)  # the exact form has no ONNX operator
    return layers.Dropout(_HIDDEN_DROPOUT, seed=seed_from(draw))(hidden)


def _statistics(log_ratio: Any) -> Any:
    """Return means and deviations of each window over several spans, ``(batch, statistic)``."""
    from keras import ops

    spans = [log_ratio[:, -steps:] for steps in SPANS] + [log_ratio]
    statistics = [ops.mean(span, axis=1) for span in spans]
    # The root of a variance of exactly 0, a steady link, has no gradient. None is needed here,
    # because log-ratios depend on the input only.
    statistics += [ops.std(span, axis=1) for span in spans]
    return ops.stack(statistics, axis=-1)
