"""The heads of the exported graph: the distributions and the path, as in `pba.nets.heads`."""

import math
from dataclasses import dataclass

import numpy as np

from pba.nets.features import PATH_FACTORS
from pba.nets.heads import INTERVAL_PREFIX, MEANS, NARROW, NARROW_MEAN, SMOOTHING, TINY, WIDE
from pba.nets.inference.feature_rows import FeatureRows
from pba.nets.inference.graph_builder import GraphBuilder
from pba.nets.inference.layer_inputs import Picks
from pba.nets.inference.trained_network import TrainedNetwork
from pba.nets.restlessness import LEAST_CHANGE, RESTLESS_STEPS
from pba.types import HORIZONS, Floats

__all__ = ["add_heads"]

_FORGET_LONGER = -1000.0  # a logarithm that leaves only the newest measurement


@dataclass(frozen=True, slots=True)
class _Mixtures:
    """Distributions that are computed together: of the horizons, or of the intervals."""

    output: str
    prefix: str  # of the names of the layers
    rows: int
    anchors: int
    narrow: float  # the least width of a component
    targets: slice  # of the sharpness


def add_heads(
    graph: GraphBuilder,
    network: TrainedNetwork,
    picks: Picks,
    inputs: tuple[str, str],
    features: FeatureRows,
) -> None:
    """Add ``probabilities``, ``path`` and any ``intervals``, from one product for all heads.

    Parameters
    ----------
    inputs
        The hidden state, and the values of ``picks``.
    """
    hidden, values = inputs
    mixtures = _all_mixtures(network)
    anchors = _anchors(graph, network, picks, values, len(mixtures) > 1)
    joined = graph.add("Concat", hidden, anchors, axis=1)
    count = max(mixture.anchors for mixture in mixtures)
    parts = [_mixture_weights(network, mixture, count) for mixture in mixtures]
    parts.append(_path_weights(network, count))
    kernel, bias = (np.concatenate(values, axis=-1) for values in zip(*parts, strict=True))
    heads = graph.add("Gemm", joined, kernel, bias)
    outputs = graph.split(heads, [part[1].shape[-1] for part in parts], axis=1)
    powers = _powers(graph, network, picks, values)
    for mixture, output in zip(mixtures, outputs, strict=False):
        _probabilities(graph, network, mixture, output, powers)
    _path(graph, network.window, outputs[-1], features)


def _all_mixtures(network: TrainedNetwork) -> list[_Mixtures]:
    horizons = len(HORIZONS)
    anchors = 3 + len(MEANS)  # the last value, the one before, the level, the means
    points = _Mixtures("probabilities", "", horizons, anchors, NARROW, slice(horizons))
    if not network.intervals:
        return [points]
    anchors += len(MEANS) + 1  # the mean rates
    count, targets = network.intervals, slice(horizons, None)
    means = _Mixtures("intervals", INTERVAL_PREFIX, count, anchors, NARROW_MEAN, targets)
    return [points, means]


def _anchors(
    graph: GraphBuilder, network: TrainedNetwork, picks: Picks, values: str, with_rates: bool
) -> str:
    """Add the anchors, in units of the narrowest width, as all distances of bins and components."""
    last, before = (picks.places["newest", network.window - lag] for lag in (1, 2))
    matrix = np.zeros((len(picks.places), 3 + len(MEANS)))
    matrix[last, 0] = matrix[before, 1] = 1.0
    matrix[:, 3:] = picks.means(MEANS)
    anchors = graph.add("MatMul", values, matrix / NARROW)
    if with_rates:
        spans = picks.means((*MEANS, network.window))
        ratios = graph.add("Exp", graph.add("Gather", values, picks.newest, axis=1))
        rates = graph.add("Log", graph.add("MatMul", ratios, spans[picks.newest]))
        rates = graph.add("Mul", rates, 1.0 / NARROW)
        anchors = graph.add("Concat", anchors, rates, axis=1)
    outage = graph.add("Less", anchors, (1e-3 - network.reach) / NARROW)
    return graph.add("Where", outage, -2.0 * network.reach / NARROW, anchors)


def _mixture_weights(
    network: TrainedNetwork, mixtures: _Mixtures, anchors: int
) -> tuple[Floats, Floats]:
    """Return the kernel and the bias of some distributions.

    Inputs are the hidden state and all ``anchors``. Outputs are, for each row, those of the free
    bins, the shares, the widths and the centers.
    """
    free, shares, widths, shifts = (
        [
            values.reshape(*values.shape[:-1], mixtures.rows, -1)
            for values in network.weights(mixtures.prefix + name)
        ]
        for name in ("free", "shares", "widths", "shifts")
    )
    kernel, bias = (
        np.concatenate([free[part], shares[part], widths[part], shifts[part] / NARROW], axis=-1)
        for part in (0, 1)
    )
    size = kernel.shape[-1]
    centers = np.zeros((anchors, mixtures.rows, size))
    for anchor in range(mixtures.anchors):
        centers[anchor, :, size - mixtures.anchors + anchor] = 1.0
    kernel = np.concatenate([kernel, centers]).reshape(len(kernel) + anchors, -1)
    return kernel, bias.ravel()


def _path_weights(network: TrainedNetwork, anchors: int) -> tuple[Floats, Floats]:
    """Return the same of the path: of each column its smoothing, 0, and its change."""
    smooth, change = network.weights("path_smooth"), network.weights("path_change")
    kernel, bias = (
        np.stack([smooth[part], np.zeros_like(smooth[part]), change[part]], axis=-1)
        for part in (0, 1)
    )
    kernel = kernel.reshape(len(kernel), -1)
    return np.pad(kernel, ((0, anchors), (0, 0))), bias.ravel()


def _powers(
    graph: GraphBuilder, network: TrainedNetwork, picks: Picks, values: str
) -> str | Floats | None:
    """Add the power of each target, ``(batch, target)``; constants if they are the same always."""
    if network.sharpness is None:
        return None
    starts, lengths, first, slopes = network.sharpness.ramps
    if not len(starts):
        return np.exp(first)[None]
    changes = picks.changes(RESTLESS_STEPS)
    changed = graph.add("Abs", graph.add("MatMul", values, changes))
    mean = graph.add("MatMul", changed, np.full((changes.shape[1], 1), 1.0 / changes.shape[1]))
    restless = graph.add("Log", graph.add("Add", mean, LEAST_CHANGE))
    ramps = graph.add("Max", graph.add("Sub", restless, starts[None]), 0.0)
    ramps = graph.add("Min", ramps, lengths[None])
    return graph.add("Exp", graph.add("Add", graph.add("MatMul", ramps, slopes.T), first[None]))


def _probabilities(
    graph: GraphBuilder,
    network: TrainedNetwork,
    mixtures: _Mixtures,
    outputs: str,
    powers: str | Floats | None,
) -> None:
    """Add an output: mixtures of free bins and anchored components, then sharpened."""
    bins, rows, anchors = len(network.bins), mixtures.rows, mixtures.anchors
    sizes = [bins, anchors + 1, 2 * anchors]
    joined = graph.reshape(outputs, -1, rows, 1, sum(sizes))
    free, shares, components = graph.split(joined, sizes, axis=3)
    components = graph.reshape(components, -1, rows, 2 * anchors, 1)
    widths, centers = graph.split(components, [anchors, anchors], axis=2)
    widths = graph.add("Pow", WIDE / mixtures.narrow, graph.add("Sigmoid", widths))
    if mixtures.narrow != NARROW:
        widths = graph.add("Mul", widths, mixtures.narrow / NARROW)
    # The last bin also takes everything above it, and the first everything below.
    edges = np.concatenate([[-1e9], network.bins.edges[:-1] / NARROW, [1e9]])
    below = graph.add("Sigmoid", graph.add("Div", graph.add("Sub", edges, centers), widths))
    upper = graph.add("Slice", below, [1], [bins + 1], [3])
    lower = graph.add("Slice", below, [0], [bins], [3])
    masses = graph.add("Sub", upper, lower)
    parts = graph.add("Concat", graph.add("Softmax", free, axis=-1), masses, axis=2)
    mixed = graph.add("MatMul", graph.add("Softmax", shares, axis=-1), parts)
    if powers is not None:
        mixed = _sharpened(graph, network, mixtures, mixed, powers)
    graph.add("Reshape", mixed, [-1, rows, bins], outputs=[mixtures.output])


def _sharpened(
    graph: GraphBuilder,
    network: TrainedNetwork,
    mixtures: _Mixtures,
    mixed: str,
    powers: str | Floats,
) -> str:
    """Add distributions, shape ``(batch, row, 1, bin)``, with their densities raised to powers."""
    first, rows = mixtures.targets.start or 0, mixtures.rows
    own: str | Floats
    if isinstance(powers, str):
        own = graph.add("Slice", powers, [first], [first + rows], [1])
        own = graph.reshape(own, -1, rows, 1, 1)
    else:
        own = powers[:, mixtures.targets].reshape(rows, 1, 1)
    logs = graph.add("Log", graph.add("Max", mixed, TINY))
    widths = np.log(network.bins.widths)
    # power * log + (1 - power) * width, with one product
    raised = graph.add("Mul", graph.add("Sub", logs, widths), own)
    return graph.add("Softmax", graph.add("Add", raised, widths), axis=-1)


def _path(graph: GraphBuilder, window: int, outputs: str, features: FeatureRows) -> None:
    """Add ``path``: a blend of the last value and the weighted mean, times a change.

    NaN where nothing is measured: infinity minus infinity.
    """
    columns = len(PATH_FACTORS)
    # How many measurements are newer than each, times the logarithm of a weight for each of them.
    newer = np.tril(np.ones((window, window)), -1)
    decay = math.log(1.0 - SMOOTHING)
    counts = [newer * decay, newer * _FORGET_LONGER, newer * decay]
    weights = graph.add(
        "Exp", graph.add("MatMul", features.measured, np.concatenate(counts, axis=1))
    )
    weighted = graph.add("Concat", features.raised, features.raised, features.measured, axis=2)
    weighted = graph.add("Mul", weights, weighted)
    sums = np.kron(np.eye(3), np.ones((window, 1)))
    logs = graph.add("Log", graph.add("MatMul", weighted, sums))
    logs = graph.add("Unsqueeze", logs, [3])
    rows = graph.reshape(outputs, -1, columns, 1, 3)
    blend, change = graph.split(rows, [2, 1], axis=3)
    # The shares of mean and last value; the mean is a sum over the sum of its weights.
    shares = graph.add("Softmax", blend, axis=-1)
    shares = graph.add("MatMul", shares, np.array([[1.0, 0.0, -1.0], [0.0, 1.0, 0.0]]))
    moved = graph.add(
        "Add", graph.add("MatMul", shares, logs), graph.add("Clip", change, -3.0, 3.0)
    )
    factors = np.array(PATH_FACTORS).reshape(columns, 1, 1)
    value = graph.add("Max", graph.add("Sub", graph.add("Exp", moved), 1.0), 0.0)
    highest = np.array([np.inf, 1.0, np.inf]).reshape(columns, 1, 1)
    value = graph.add("Min", graph.add("Mul", value, 1.0 / factors), highest)
    graph.add("Reshape", value, [-1, columns], outputs=["path"])
