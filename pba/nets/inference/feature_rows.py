"""The network's features in the exported graph: each computed once, as rows of one tensor.

The arithmetic is that of `pba.nets.features` for one window, in fewer operators: columns are
treated together, every logarithm is taken at once, and scales are left to the weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pba.nets.features import LEVEL_MBPS, LEVEL_SHARE, LEVEL_STEPS, MAGNIFIED_RATIO, PATH_FACTORS
from pba.nets.inference.graph_builder import GraphBuilder
from pba.types import COLUMNS, Floats

__all__ = ["FeatureRows", "feature_rows"]

_PATH = COLUMNS[1:4]
_THROUGHPUT = COLUMNS[4]


@dataclass(frozen=True, slots=True)
class FeatureRows:
    """Features of each sample, and what else is derived from telemetry on the way.

    Parameters
    ----------
    rows
        Shape ``(batch, feature, sample)``.
    places
        The row of each feature: ``own`` and ``newest`` (log-ratios to the sample's level and to the
        window's), ``step`` and ``above`` (how the level moves), each also ``magnified``; the
        optional columns, their distance from the ``lowest`` value so far, and where they are
        ``measured``.
    level_mbps
        The window's level, shape ``(batch, 1, 1)``.
    measured
        1 where latency, loss and jitter are measured and else 0, shape ``(batch, 3, sample)``.
    raised
        1 plus their scaled value, or 0 where it is missing, in the same shape.
    """

    rows: str
    places: Mapping[str, int]
    level_mbps: str
    measured: str
    raised: str


def feature_rows(
    graph: GraphBuilder, window: int, reach: float, seen: Sequence[bool]
) -> FeatureRows:
    """Add the features of ``telemetry`` to ``graph``.

    Parameters
    ----------
    reach
        The largest absolute log-ratio.
    seen
        As in `pba.nets.network.build`.
    """
    columns = graph.add("Transpose", "telemetry", perm=[0, 2, 1])
    bandwidth, path, throughput = graph.split(columns, [1, 3, 1], axis=1)
    levels = _levels(graph, bandwidth, window)
    level = graph.add("Gather", levels, [window - 1], axis=2)
    ratios = {
        "own": graph.add("Div", bandwidth, levels),
        "newest": graph.add("Div", bandwidth, level),
    }
    missing = graph.add("IsNaN", path)
    measured = graph.add("Where", missing, 0.0, 1.0)
    factors = np.array(PATH_FACTORS)[:, None]
    scaled = graph.add("Mul", graph.add("Where", missing, 0.0, path), factors)
    raised = graph.add("Add", scaled, measured)
    masks, optional = [measured], list(_PATH)
    if seen[COLUMNS.index(_THROUGHPUT)]:
        absent = graph.add("IsNaN", throughput)
        masks.append(graph.add("Where", absent, 0.0, 1.0))
        rate = graph.add("Where", absent, levels, throughput)
        optional.append(_THROUGHPUT)
        ratios[_THROUGHPUT] = graph.add("Div", rate, levels)
    rows = _logarithms(graph, levels, ratios, (measured, raised), window, reach)
    names = [*ratios, "step", "above"]
    names += [f"{name} magnified" for name in names]
    names += [*_PATH, *(f"{name} lowest" for name in _PATH)]
    names += [f"{name} measured" for name in optional]
    places = {name: place for place, name in enumerate(names)}
    return FeatureRows(graph.add("Concat", *rows, *masks, axis=1), places, level, measured, raised)


def _levels(graph: GraphBuilder, bandwidth: str, window: int) -> str:
    """Return the reference level at each sample: the median of the newest, and positive."""
    newest = np.arange(window)[:, None] - np.arange(LEVEL_STEPS)
    values = graph.add("Gather", bandwidth, np.maximum(newest, 0), axis=2)
    upper_half = f"{values}_upper_half"
    graph.add(
        "TopK",
        values,
        [LEVEL_STEPS // 2 + 1],
        outputs=[upper_half, f"{values}_indices"],
        axis=-1,
        sorted=0,
    )
    median = graph.add("ReduceMin", upper_half, [3], keepdims=0)
    least = graph.add("Mul", _running_maximum(graph, bandwidth, window), LEVEL_SHARE)
    return graph.add("Max", median, least, LEVEL_MBPS)


def _running_maximum(graph: GraphBuilder, values: str, window: int) -> str:
    return graph.add("MaxPool", values, kernel_shape=[window], pads=[window - 1, 0], strides=[1])


def _logarithms(
    graph: GraphBuilder,
    levels: str,
    ratios: Mapping[str, str],
    path: tuple[str, str],
    window: int,
    reach: float,
) -> list[str]:
    """Return the rows of `FeatureRows` but the measured ones, from one logarithm.

    Parameters
    ----------
    path
        Where the path's columns are measured, and their raised values.
    """
    measured, raised = path
    present = graph.add("Max", raised, 1.0)  # 1 where missing, of which the logarithm is 0
    # The largest reciprocal so far belongs to the lowest value that is measured.
    highest = _running_maximum(graph, graph.add("Div", measured, present), window)
    over_lowest = graph.add("Mul", present, highest)
    count, others = len(ratios), 2 * len(_PATH)
    limits = np.exp([[-reach], [reach]])
    lower = np.concatenate([[0.0], np.repeat(limits[0], count), np.ones(others)])
    upper = np.concatenate([[np.inf], np.repeat(limits[1], count), np.full(others, np.inf)])
    values = graph.add("Concat", levels, *ratios.values(), present, over_lowest, axis=1)
    values = graph.add("Min", graph.add("Max", values, lower[:, None]), upper[:, None])
    parts = graph.split(graph.add("Log", values), [1, count, others], axis=1)
    log_levels, log_ratios, log_path = parts
    moves = graph.reshape(graph.add("MatMul", log_levels, _moves(window)), -1, 2, window)
    moves = graph.add("Clip", moves, -reach, reach)
    plain = graph.add("Concat", log_ratios, moves, axis=1)
    return [plain, graph.add("Asinh", graph.add("Mul", plain, 1.0 / MAGNIFIED_RATIO)), log_path]


def _moves(window: int) -> Floats:
    """Return the matrix from log-levels to their step and their distance from the trailing mean.

    Shape ``(window, 2 * window)``; before the first sample, its level is repeated.
    """
    steps = window // 2
    matrix = np.zeros((window, 2, window))
    for sample in range(window):
        matrix[sample, :, sample] += 1.0
        matrix[max(sample - 1, 0), 0, sample] -= 1.0
        for lag in range(steps):
            matrix[max(sample - lag, 0), 1, sample] -= 1.0 / steps
    return matrix.reshape(window, 2 * window)
