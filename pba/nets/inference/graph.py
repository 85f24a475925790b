"""The graph from telemetry to the outputs: features, LSTMs, dense layers, heads."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pba.nets.features import MAGNIFIED_SCALE, PATH_FACTORS, RECENT
from pba.nets.inference.feature_rows import FeatureRows, feature_rows
from pba.nets.inference.graph_builder import GraphBuilder
from pba.nets.inference.layer_inputs import Picks, column_inputs, step_inputs
from pba.nets.inference.output_heads import add_heads
from pba.nets.inference.trained_network import TrainedNetwork
from pba.nets.network import SPANS
from pba.types import COLUMNS, HORIZONS, Floats

__all__ = ["inference_graph"]

_OPSET = 20  # the first with Gelu


def inference_graph(network: TrainedNetwork) -> Any:
    """Return ``network`` as an ONNX model; see `pba.models.onnx` for its input and outputs."""
    graph = GraphBuilder()
    features = feature_rows(graph, network.window, network.reach, network.seen)
    graph.add("Reshape", features.level_mbps, [-1], outputs=["level_mbps"])
    picks = Picks(network, features)
    values = picks.add(graph)
    hidden = _hidden(graph, network, features, picks, values)
    add_heads(graph, network, picks, (hidden, values), features)
    bins = len(network.bins)
    outputs: dict[str, list[str | int]] = {
        "probabilities": ["batch", len(HORIZONS), bins],
        "level_mbps": ["batch"],
        "path": ["batch", len(PATH_FACTORS)],
    }
    if network.intervals:
        outputs["intervals"] = ["batch", network.intervals, bins]
    telemetry = ["batch", network.window, len(COLUMNS)]
    return graph.model(str(network.model.name), {"telemetry": telemetry}, outputs, _OPSET)


def _hidden(
    graph: GraphBuilder,
    network: TrainedNetwork,
    features: FeatureRows,
    picks: Picks,
    values: str,
) -> str:
    """Return the hidden state, shape ``(batch, unit)``, as `pba.nets.network` does."""
    inputs = graph.add("Transpose", features.rows, perm=[2, 0, 1])
    kernel, *others = network.weights("lstm_1")
    first = np.zeros((len(features.places), kernel.shape[1]))
    for row, entry in zip(kernel, step_inputs(network.seen), strict=True):
        if entry:
            first[features.places[entry[0]]] += row * entry[1]
    states = _lstm(graph, inputs, (first, *others), ["lstm_1", ""], axis=1)
    state = _lstm(graph, states, network.weights("lstm_2"), ["", "lstm_2"], axis=0)
    spans = (*SPANS, network.window)
    distances = graph.add("MatMul", values, picks.centered(spans))
    distances = graph.reshape(distances, -1, len(spans), network.window)
    deviations = graph.add("ReduceL2", distances, [2], keepdims=0)
    dense = graph.add("Concat", state, values, deviations, axis=1)
    kernel, bias = network.weights("dense_1")
    dense = graph.add("Gemm", dense, _folded(kernel, picks, network, spans), bias)
    dense = graph.add("Gelu", dense, approximate="tanh")
    second = graph.add("Gemm", dense, *network.weights("dense_2"))
    return graph.add("Concat", dense, graph.add("Gelu", second, approximate="tanh"), axis=1)


def _lstm(
    graph: GraphBuilder, inputs: str, weights: Sequence[Floats], outputs: Sequence[str], axis: int
) -> str:
    """Return the output that is named: all states, or the last one."""
    kernel, recurrent, bias = (_onnx_gates(values) for values in weights)
    units = recurrent.shape[0]
    biases = np.concatenate([bias, np.zeros_like(bias)])
    arrays = kernel.T[None], recurrent.T[None], biases[None]
    states = graph.add("LSTM", inputs, *arrays, outputs=outputs, hidden_size=units)
    return graph.add("Squeeze", states, [axis])


def _onnx_gates(values: Floats) -> Floats:
    """Return weights with the gates in the order of ONNX: input, output, forget, cell."""
    into, forget, cell, out = np.split(values, 4, axis=-1)
    return np.concatenate([into, out, forget, cell], axis=-1)


def _folded(kernel: Floats, picks: Picks, network: TrainedNetwork, spans: Sequence[int]) -> Floats:
    """Return the first dense kernel for inputs of state, picks and deviations."""
    beside = column_inputs(network.seen)
    sizes = [RECENT, RECENT, RECENT * len(beside), len(spans), len(spans)]
    ends = np.cumsum([len(kernel) - sum(sizes), *sizes[:-1]])
    state, ratios, magnified, columns, means, deviations = np.split(kernel, ends)
    middle = picks.means(spans) @ means
    newest = range(network.window - RECENT, network.window)
    rows_by_sample = columns.reshape(RECENT, len(beside), -1)
    for place, sample in enumerate(newest):
        middle[picks.places["newest", sample]] += ratios[place]
        middle[picks.places["newest magnified", sample]] += magnified[place] / MAGNIFIED_SCALE
        for entry, row in zip(beside, rows_by_sample[place], strict=True):
            if entry:
                middle[picks.places[entry[0], sample]] += row * entry[1]
    return np.concatenate([state, middle, deviations])
