"""How much a window's rate moves from sample to sample; it decides how sharp its forecast is.

The logarithm of the mean absolute change of the log-ratio over the newest samples.
"""

from typing import Any

import numpy as np

from pba.types import Floats

__all__ = ["LEAST_CHANGE", "RESTLESS_STEPS", "keras_restlessness", "restlessness"]

RESTLESS_STEPS = 15
LEAST_CHANGE = 1e-3
"""Added to the mean change, so that a steady window has a logarithm."""


def restlessness(rate_mbps: Floats, level_mbps: Floats, reach: float) -> Floats:
    """Return the restlessness of windows, ``(batch,)``.

    Parameters
    ----------
    rate_mbps
        Shape ``(batch, sample)``.
    level_mbps
        The reference level, ``(batch,)``.
    reach
        The largest absolute log-ratio.

    Examples
    --------
    >>> restlessness(np.array([[5.0] * 20, [5.0, 10.0] * 10]), np.array([5.0, 5.0]), 6.0).round(2)
    array([-6.91, -0.37])
    """
    recent = np.asarray(rate_mbps[:, -RESTLESS_STEPS:], dtype=float) / level_mbps[:, None]
    log_ratio = np.clip(np.log(np.maximum(recent, np.exp(-reach))), -reach, reach)
    changes = np.abs(np.diff(log_ratio, axis=1)).mean(axis=1)
    return np.asarray(np.log(changes + LEAST_CHANGE))


def keras_restlessness(rate_mbps: Any, level_mbps: Any, reach: float) -> Any:
    """Return the same as a tensor, in `keras.ops`."""
    from keras import ops

    recent = rate_mbps[:, -RESTLESS_STEPS:] / ops.expand_dims(level_mbps, 1)
    log_ratio = ops.log(ops.maximum(recent, float(np.exp(-reach))))
    log_ratio = ops.clip(log_ratio, -reach, reach)
    changes = ops.mean(ops.abs(log_ratio[:, 1:] - log_ratio[:, :-1]), axis=1)
    return ops.log(changes + LEAST_CHANGE)
