"""The two networks: raw telemetry in, distributions out. One graph for training, Keras and ONNX."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pba.distribution import Bins
from pba.modes import Profile
from pba.nets import heads
from pba.nets.features import Inputs, inputs
from pba.nets.seeds import glorot, seed_from
from pba.types import COLUMNS

__all__ = ["build", "calibrated"]

_RECENT = 10
_HIDDEN = 128
_STATISTICS = (5, 15)


def build(profile: Profile, bins: Bins, seen: Sequence[bool], seed: int = 0) -> Any:
    """Return an untrained network.

    Parameters
    ----------
    profile
        Gives window, LSTM units and dropout.
    bins
        The layout of the probabilities.
    seen
        Which of the five columns training data measured. The others are 0 to the network, so that
        what it was never trained on cannot disturb its answer.
    seed
        Of the first weights and of dropout.

    Returns
    -------
    keras.Model
        ``telemetry (batch, window, 5)`` → ``probabilities (batch, horizon, bin)``,
        ``level_mbps (batch,)`` and ``path (batch, 3)``, as `pba.models.base.Prediction` says.
        Only built-in layers and operations, so that `.keras` files load without this package.
    """
    import keras

    draw = np.random.default_rng(seed)  # keras.utils.set_random_seed would reseed the whole process
    telemetry = keras.Input((profile.window, len(COLUMNS)), dtype="float32", name="telemetry")
    window = inputs(telemetry, bins, seen)
    hidden = _hidden(profile, window, draw)
    outputs = {
        "probabilities": heads.probabilities(hidden, window.log_ratio, bins, draw),
        "level_mbps": window.level_mbps,
        "path": heads.path(hidden, telemetry),
    }
    return keras.Model(telemetry, outputs, name=str(profile.mode))


def calibrated(model: Any, bins: Bins, sharpness: Sequence[float]) -> Any:
    """Return ``model``, its weights shared, as sure as ``sharpness`` makes it at each horizon."""
    import keras

    (telemetry,) = model.inputs
    outputs = dict(model.output)
    outputs["probabilities"] = heads.sharpen(outputs["probabilities"], bins, sharpness)
    return keras.Model(telemetry, outputs, name=model.name)


def _hidden(profile: Profile, window: Inputs, draw: np.random.Generator) -> Any:
    """Return what the LSTMs and the shortcuts past them make of a window, ``(batch, unit)``."""
    from keras import layers

    state = window.steps
    for units, whole in zip(profile.units, (True, False), strict=True):
        state = layers.LSTM(units, return_sequences=whole, **_lstm_weights(draw))(state)
        state = layers.Dropout(profile.dropout, seed=seed_from(draw))(state)
    joined = layers.Concatenate()([state, *_shortcuts(window)])
    return layers.Dense(_HIDDEN, activation="relu", kernel_initializer=glorot(draw))(joined)


def _lstm_weights(draw: np.random.Generator) -> dict[str, Any]:
    from keras import initializers

    return {
        "kernel_initializer": glorot(draw),
        "recurrent_initializer": initializers.Orthogonal(seed=seed_from(draw)),
    }


def _shortcuts(window: Inputs) -> list[Any]:
    """Return the newest steps and the window's statistics, which need no recurrence."""
    from keras import layers, ops

    log_ratio = window.log_ratio
    spans = [log_ratio[:, -steps:] for steps in _STATISTICS] + [log_ratio]
    statistics = [ops.mean(span, axis=1) for span in spans]
    # The root of a variance of exactly 0, a steady link, has no gradient and no need of one here:
    # log-ratios depend on the input alone.
    statistics += [ops.std(span, axis=1) for span in spans]
    newest = layers.Flatten()(window.steps[:, -_RECENT:])
    return [newest, ops.stack(statistics, axis=-1)]
