"""The heads of the exported graph: the distributions and the path, as in `pba.nets.heads`."""

import math

import numpy as np

from pba.nets.features import PATH_FACTORS
from pba.nets.heads import MEANS, NARROW, SMOOTHING, TINY, WIDE
from pba.nets.inference.feature_rows import FeatureRows
from pba.nets.inference.graph_builder import GraphBuilder
from pba.nets.inference.layer_inputs import Picks
from pba.nets.inference.trained_network import TrainedNetwork
from pba.types import HORIZONS, Floats

__all__ = ["add_heads"]

_ANCHORS = 3 + len(MEANS)  # the last value, the one before, the level, the means
_FORGET_LONGER = -1000.0  # a logarithm that leaves only the newest measurement


def add_heads(
    graph: GraphBuilder,
    network: TrainedNetwork,
    picks: Picks,
    inputs: tuple[str, str],
    features: FeatureRows,
) -> None:
    """Add the outputs ``probabilities`` and ``path``, from one product for all heads.

    Parameters
    ----------
    inputs
        The hidden state, and the values of ``picks``.
    """
    hidden, values = inputs
    last, before = (picks.places["newest", network.window - lag] for lag in (1, 2))
    anchors = np.zeros((len(picks.places), _ANCHORS))
    anchors[last, 0] = anchors[before, 1] = 1.0
    anchors[:, 3:] = picks.means(MEANS)
    # In units of the narrowest width, as all distances between bins and components.
    anchor = graph.add("MatMul", values, anchors / NARROW)
    outage = graph.add("Less", anchor, (1e-3 - network.reach) / NARROW)
    anchor = graph.add("Where", outage, -2.0 * network.reach / NARROW, anchor)
    joined = graph.add("Concat", hidden, anchor, axis=1)
    kernel, bias = _head_weights(network)
    heads = graph.add("Gemm", joined, kernel, bias)
    path_size = 3 * len(PATH_FACTORS)
    distributions, path = graph.split(heads, [kernel.shape[1] - path_size, path_size], axis=1)
    _probabilities(graph, network, distributions)
    _path(graph, network.window, path, features)


def _head_weights(network: TrainedNetwork) -> tuple[Floats, Floats]:
    """Return the kernel and the bias of all heads.

    Inputs are the hidden state and the anchors. Outputs are, for each horizon, those of the free
    bins, the shares, the widths and the centers; then, for each column of the path, its smoothing,
    0, and its change.
    """
    horizons, columns = len(HORIZONS), len(PATH_FACTORS)
    names = ("free", "shares", "widths", "shifts")
    free, shares, widths, shifts = (
        [values.reshape(*values.shape[:-1], horizons, -1) for values in network.weights(name)]
        for name in names
    )
    smooth, change = network.weights("path_smooth"), network.weights("path_change")
    joined = []
    for part in (0, 1):  # kernel and bias
        parts = [free[part], shares[part], widths[part], shifts[part] / NARROW]
        outputs = np.concatenate(parts, axis=-1)
        path = np.stack([smooth[part], np.zeros_like(smooth[part]), change[part]], axis=-1)
        flat = (values.reshape(*values.shape[:-2], -1) for values in (outputs, path))
        joined.append(np.concatenate(list(flat), axis=-1))
    kernel, bias = joined
    size = free[0].shape[-1] + shares[0].shape[-1] + 2 * _ANCHORS
    anchors = np.zeros((_ANCHORS, horizons, size))
    for anchor in range(_ANCHORS):
        anchors[anchor, :, size - _ANCHORS + anchor] = 1.0
    anchors = np.pad(anchors.reshape(_ANCHORS, -1), ((0, 0), (0, 3 * columns)))
    return np.concatenate([kernel, anchors]), bias


def _probabilities(graph: GraphBuilder, network: TrainedNetwork, outputs: str) -> None:
    """Add ``probabilities``: a mixture of free bins and anchored components, then sharpened."""
    bins, horizons = len(network.bins), len(HORIZONS)
    sizes = [bins, _ANCHORS + 1, 2 * _ANCHORS]
    rows = graph.reshape(outputs, -1, horizons, 1, sum(sizes))
    free, shares, components = graph.split(rows, sizes, axis=3)
    components = graph.reshape(components, -1, horizons, 2 * _ANCHORS, 1)
    widths, centers = graph.split(components, [_ANCHORS, _ANCHORS], axis=2)
    widths = graph.add("Pow", WIDE / NARROW, graph.add("Sigmoid", widths))
    # The last bin also takes everything above it, and the first everything below.
    edges = np.concatenate([[-1e9], network.bins.edges[:-1] / NARROW, [1e9]])
    below = graph.add("Sigmoid", graph.add("Div", graph.add("Sub", edges, centers), widths))
    upper = graph.add("Slice", below, [1], [bins + 1], [3])
    lower = graph.add("Slice", below, [0], [bins], [3])
    masses = graph.add("Sub", upper, lower)
    parts = graph.add("Concat", graph.add("Softmax", free, axis=-1), masses, axis=2)
    mixed = graph.add("MatMul", graph.add("Softmax", shares, axis=-1), parts)
    if network.sharpness is not None:
        powers = np.array(network.sharpness).reshape(horizons, 1, 1)
        logs = graph.add("Log", graph.add("Max", mixed, TINY))
        factors = (1.0 - powers) * np.log(network.bins.widths)
        mixed = graph.add("Add", graph.add("Mul", logs, powers), factors)
        mixed = graph.add("Softmax", mixed, axis=-1)
    graph.add("Reshape", mixed, [-1, horizons, bins], outputs=["probabilities"])


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
