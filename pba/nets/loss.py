"""The loss: cross-entropy on smoothed bins of points and of means, and a small path term.

In `keras.ops`, so that a network can be trained with any backend of Keras.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from pba.models.distribution import Bins
from pba.nets.features import PATH_FACTORS, path_scale
from pba.nets.targets import soft_targets

__all__ = ["distillation_loss", "window_loss"]

_PATH_WEIGHT = 0.1
_HUBER = 0.05
_TINY = 1e-9


def window_loss(bins: Bins) -> Callable[[Any, Any, Any, Any], Any]:
    """Return the function from outputs, ``future_mbps``, ``path`` and ``mean_mbps`` to the loss.

    It returns that of each window, ``(batch,)``. Horizons and intervals beyond the end of a series
    and missing path values are excluded.
    """
    targets, edges = soft_targets(bins), bins.edges.astype(np.float32)

    def loss(outputs: dict[str, Any], future_mbps: Any, path: Any, mean_mbps: Any) -> Any:
        level_mbps, points = outputs["level_mbps"], outputs["probabilities"]
        total = _bandwidth(points, level_mbps, future_mbps, targets, edges)
        if "intervals" in outputs:
            means = outputs["intervals"]
            mean_mbps = mean_mbps[:, : means.shape[1]]
            total += _bandwidth(means, level_mbps, mean_mbps, targets, edges)
        return total + _PATH_WEIGHT * _path(outputs["path"], path)

    return loss


def distillation_loss(probabilities: Any, teacher: Any, actual_mbps: Any) -> Any:
    """Return the cross-entropy of each window to its teachers' mean, shape ``(batch,)``.

    Knowledge distillation (Hinton, Vinyals and Dean, "Distilling the knowledge in a neural
    network", 2015).

    Parameters
    ----------
    probabilities, teacher
        Those of the network and the teachers' mean, shape ``(batch, row, bin)``, where a row is a
        horizon or an interval.
    actual_mbps
        Rows that are NaN here are excluded, shape ``(batch, row)``.
    """
    from keras import ops

    known = ops.logical_not(ops.isnan(actual_mbps))
    entropy = -ops.sum(teacher * ops.log(probabilities + _TINY), axis=-1)
    return ops.mean(ops.where(known, entropy, 0.0), axis=-1)


def _bandwidth(
    probabilities: Any, level_mbps: Any, actual_mbps: Any, targets: Any, edges: Any
) -> Any:
    from keras import ops

    known = ops.logical_not(ops.isnan(actual_mbps))
    ratio = ops.where(known, actual_mbps, 1.0) / ops.expand_dims(level_mbps, 1)
    log_ratio = ops.log(ops.maximum(ratio, float(np.exp(edges[0] - 1.0))))
    flat = ops.searchsorted(edges, ops.reshape(log_ratio, [-1]), side="right")
    index = ops.reshape(ops.minimum(flat, len(edges) - 1), ops.shape(log_ratio))
    target = ops.take(targets, index, axis=0)
    entropy = -ops.sum(target * ops.log(probabilities + _TINY), axis=-1)
    return ops.mean(ops.where(known, entropy, 0.0), axis=-1)


def _path(predicted: Any, actual: Any) -> Any:
    from keras import ops

    known = ops.logical_not(ops.isnan(predicted) | ops.isnan(actual))
    # Both are made finite before the logarithm: a NaN that is masked later still enters gradients.
    factors = np.array(PATH_FACTORS, dtype=np.float32)
    target = path_scale(ops.where(known, actual, 0.0), factors)
    error = path_scale(ops.where(known, predicted, 0.0), factors) - target
    size = ops.abs(error)
    # Huber loss: absolute error, which the median minimises, but smooth at 0.
    huber = ops.where(size < _HUBER, 0.5 * error * error / _HUBER, size - 0.5 * _HUBER)
    return ops.sum(huber, axis=-1)
