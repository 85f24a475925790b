"""The network's heads: a distribution per horizon and interval, and the next step's path.

A distribution is a mixture of free bins (a softmax) and of logistic components that are anchored to
statistics of the window: its last values, its level, its means. Links repeat values, often exactly,
and an anchored component can predict "the last value again" on any link without learning every
position of a last value (the discretised logistic mixture of PixelCNN++, Salimans et al., 2017,
with anchored means).
"""

import math
from typing import Any

import numpy as np

from pba.models.distribution import Bins
from pba.nets.features import PATH_FACTORS, path_scale
from pba.nets.seeds import glorot
from pba.types import HORIZONS

__all__ = [
    "INTERVAL_PREFIX",
    "MEANS",
    "NARROW",
    "NARROW_MEAN",
    "SMOOTHING",
    "TINY",
    "WIDE",
    "intervals",
    "path",
    "probabilities",
    "sharpen",
]

# Limits of component widths in log-ratio; narrower ones amplify float32 noise beyond parity.
NARROW, WIDE = 0.005, 2.0
NARROW_MEAN = 0.015  # of a mean rate, whose logarithm has more rounding
MEANS = (5, 15)
INTERVAL_PREFIX = "interval_"
SMOOTHING = 0.3
TINY = 1e-9


def probabilities(hidden: Any, log_ratio: Any, bins: Bins, draw: np.random.Generator) -> Any:
    """Return the distribution at each horizon, ``(batch, horizon, bin)``.

    Parameters
    ----------
    hidden
        The last hidden state of each window, shape ``(batch, unit)``.
    log_ratio
        Shape ``(batch, step)``.
    draw
        Random source of the initial weights.
    """
    anchors = _reachable(_anchors(log_ratio), bins)
    return _mixtures(hidden, anchors, (len(HORIZONS), NARROW), bins, draw, "")


def intervals(
    hidden: Any, log_ratio: Any, count: int, bins: Bins, draw: np.random.Generator
) -> Any:
    """Return the distribution of the mean over each of ``count`` intervals; as `probabilities`.

    Anchors are also the logarithms of mean rates, which lie above the means of logarithms.
    """
    from keras import ops

    anchors = ops.concatenate([_anchors(log_ratio), _mean_rates(log_ratio)], axis=-1)
    size = count, NARROW_MEAN
    return _mixtures(hidden, _reachable(anchors, bins), size, bins, draw, INTERVAL_PREFIX)


def _mixtures(
    hidden: Any,
    anchors: Any,
    size: tuple[int, float],
    bins: Bins,
    draw: np.random.Generator,
    prefix: str,
) -> Any:
    """Return ``(batch, row, bin)``; the names of the layers begin with ``prefix``.

    ``size`` is the number of rows and the least width of a component.
    """
    from keras import layers, ops

    rows, narrow = size

    def dense(units: int, name: str, initializer: Any = None) -> Any:
        initializer = initializer or glorot(draw)
        return layers.Dense(units, kernel_initializer=initializer, name=prefix + name)(hidden)

    count = anchors.shape[-1]
    free = dense(rows * len(bins), "free")
    free = ops.softmax(ops.reshape(free, (-1, rows, len(bins))), axis=-1)
    shares = dense(rows * (count + 1), "shares")
    shares = ops.softmax(ops.reshape(shares, (-1, rows, count + 1)), axis=-1)
    widths = dense(rows * count, "widths")
    widths = ops.exp(math.log(narrow) + math.log(WIDE / narrow) * ops.sigmoid(widths))
    shifts = dense(rows * count, "shifts", "zeros")
    centers = ops.reshape(shifts, (-1, rows, count)) + ops.expand_dims(anchors, 1)
    components = _components(centers, ops.reshape(widths, (-1, rows, count)), bins)
    mixed = ops.sum(components * ops.expand_dims(shares[:, :, 1:], -1), axis=2)
    return mixed + free * shares[:, :, :1]


def sharpen(probabilities: Any, bins: Bins, powers: Any) -> Any:
    """Return ``(batch, row, bin)`` with the density of each row raised to its power.

    Powers above 1 narrow the distribution, powers below 1 widen it; `pba.nets.sharpness` fits them.

    Parameters
    ----------
    powers
        Shape ``(batch, row)``, or ``(1, row)`` for the same in every window.
    """
    from keras import ops

    powers = ops.expand_dims(powers, -1)
    widths = np.log(bins.widths).astype(np.float32)
    logs = ops.log(ops.maximum(probabilities, TINY))
    return ops.softmax(powers * logs + (1.0 - powers) * widths, axis=-1)


def _anchors(log_ratio: Any) -> Any:
    """Return the anchors of points, shape ``(batch, anchor)``."""
    from keras import ops

    statistics = [log_ratio[:, -1], log_ratio[:, -2], ops.zeros_like(log_ratio[:, -1])]
    statistics += [ops.mean(log_ratio[:, -steps:], axis=1) for steps in MEANS]
    return ops.stack(statistics, axis=-1)


def _mean_rates(log_ratio: Any) -> Any:
    """Return the logarithms of mean rates over the newest samples, shape ``(batch, span)``."""
    from keras import ops

    ratio = ops.exp(log_ratio)
    spans = [ratio[:, -steps:] for steps in MEANS] + [ratio]
    return ops.log(ops.stack([ops.mean(span, axis=1) for span in spans], axis=-1))


def _reachable(anchors: Any, bins: Bins) -> Any:
    """Return the anchors; that of an outage is far below the bins."""
    from keras import ops

    reach = float(bins.edges[-1])
    return ops.where(anchors < 1e-3 - reach, -2.0 * reach, anchors)


def _components(centers: Any, widths: Any, bins: Bins) -> Any:
    """Return the mass of each component in each bin, shape ``(batch, horizon, anchor, bin)``."""
    from keras import ops

    edges = bins.edges[:-1].astype(np.float32)  # the last bin also takes everything above it
    distance = ops.subtract(edges, ops.expand_dims(centers, -1))
    below = ops.sigmoid(distance / ops.expand_dims(widths, -1))
    ends = ops.zeros_like(below[..., :1]), ops.ones_like(below[..., :1])
    return ops.concatenate([below, ends[1]], -1) - ops.concatenate([ends[0], below], -1)


def path(hidden: Any, telemetry: Any) -> Any:
    """Return latency (ms), packet loss and jitter (ms) of the next step, shape ``(batch, 3)``.

    A learned blend of the last measured value and the exponentially weighted mean, times a learned
    change; NaN where the window has no measurement.
    """
    from keras import layers, ops

    def dense(name: str) -> Any:
        return layers.Dense(len(PATH_FACTORS), kernel_initializer="zeros", name=name)(hidden)

    smooth, change = ops.sigmoid(dense("path_smooth")), dense("path_change")
    latency, loss, jitter = [
        _next(telemetry[:, :, 1 + i], smooth[:, i], change[:, i], factor)
        for i, factor in enumerate(PATH_FACTORS)
    ]
    return ops.stack([latency, ops.minimum(loss, 1.0), jitter], axis=-1)


def _next(column: Any, smooth: Any, change: Any, factor: float) -> Any:
    from keras import ops

    measured = ops.where(ops.isnan(column), 0.0, 1.0)
    values = ops.where(ops.isnan(column), 0.0, column)
    newer = ops.flip(ops.cumsum(ops.flip(measured, 1), axis=1), 1) - measured
    # Weights by the number of newer measured samples: 1, 0.7, 0.49, …; 0 for a missing value.
    weights = measured * ops.exp(newer * math.log(1.0 - SMOOTHING))
    mean = ops.sum(weights * values, axis=1) / ops.maximum(ops.sum(weights, axis=1), SMOOTHING)
    last = ops.sum(ops.where(newer < 0.5, measured * values, 0.0), axis=1)
    scaled = smooth * path_scale(mean, factor) + (1.0 - smooth) * path_scale(last, factor)
    changed = ops.exp(scaled + ops.clip(change, -3.0, 3.0))
    value = ops.maximum(changed - 1.0, 0.0) / factor
    return ops.where(ops.max(measured, axis=1) > 0.0, value, float("nan"))
