"""Which features the network's layers take, and the scales that are folded into their weights."""

import math
from collections.abc import Sequence

import numpy as np

from pba.nets.features import MAGNIFIED_SCALE, PATH_SCALES, RECENT
from pba.nets.inference.feature_rows import FeatureRows
from pba.nets.inference.graph_builder import GraphBuilder
from pba.nets.inference.trained_network import TrainedNetwork
from pba.types import COLUMNS, Floats

__all__ = ["Picks", "column_inputs", "step_inputs"]


def step_inputs(seen: Sequence[bool]) -> list[tuple[str, float] | None]:
    """Return the feature and the scale of each LSTM input, None for one that is always 0."""
    inputs: list[tuple[str, float] | None] = [
        ("own", 1.0),
        ("own magnified", 1.0 / MAGNIFIED_SCALE),
        ("step", 1.0),
        ("step magnified", 1.0 / MAGNIFIED_SCALE),
        ("above", 1.0),
    ]
    return inputs + column_inputs(seen)


def column_inputs(seen: Sequence[bool]) -> list[tuple[str, float] | None]:
    """Return the same for the inputs that come from optional columns."""
    inputs: list[tuple[str, float] | None] = []
    scales = dict(zip(COLUMNS[1:4], PATH_SCALES, strict=True))
    for name, is_seen in zip(COLUMNS[1:], seen[1:], strict=True):
        scale = 1.0 / scales.get(name, 1.0)
        names = [(name, scale)]
        names += [(f"{name} lowest", scale)] if name == "latency_ms" else []
        names += [(f"{name} measured", 1.0)]
        inputs += names if is_seen else [None] * len(names)
    return inputs


class Picks:
    """The features of single samples that reach the dense layers past the LSTMs.

    All log-ratios to the window's level, of which statistics are taken, and every feature of the
    newest samples.
    """

    def __init__(self, network: TrainedNetwork, features: FeatureRows) -> None:
        window = network.window
        beside = [name for name in column_inputs(network.seen) if name]
        newest = range(window - RECENT, window)
        picks = [("newest", sample) for sample in range(window)]
        picks += [
            (name, sample) for name in ("newest magnified", *dict(beside)) for sample in newest
        ]
        self.places = {pick: place for place, pick in enumerate(picks)}
        self._window, self._features = window, features

    def add(self, graph: GraphBuilder) -> str:
        """Add them to ``graph``, shape ``(batch, pick)``."""
        window, rows = self._window, self._features.places
        flat = graph.reshape(self._features.rows, -1, len(rows) * window)
        indices = [rows[name] * window + sample for name, sample in self.places]
        return graph.add("Gather", flat, indices, axis=1)

    @property
    def newest(self) -> list[int]:
        """The places of all log-ratios to the window's level, oldest first."""
        return [self.places["newest", sample] for sample in range(self._window)]

    def means(self, spans: Sequence[int]) -> Floats:
        """Return the matrix to the means of the newest log-ratios, shape ``(pick, span)``."""
        matrix = np.zeros((len(self.places), len(spans)))
        for column, span in enumerate(spans):
            for sample in range(self._window - span, self._window):
                matrix[self.places["newest", sample], column] = 1.0 / span
        return matrix

    def changes(self, span: int) -> Floats:
        """Return the matrix to the changes of the newest ``span`` log-ratios.

        Shape ``(pick, span - 1)``.
        """
        matrix = np.zeros((len(self.places), span - 1))
        for column, sample in enumerate(range(self._window - span + 1, self._window)):
            matrix[self.places["newest", sample], column] = 1.0
            matrix[self.places["newest", sample - 1], column] = -1.0
        return matrix

    def centered(self, spans: Sequence[int]) -> Floats:
        """Return the matrix to distances from these means over the root of the span.

        Shape ``(pick, span * sample)``; the norm of a row of the result is the deviation.
        """
        matrix = np.zeros((len(self.places), len(spans), self._window))
        for row, span in enumerate(spans):
            samples = np.arange(self._window - span, self._window)
            matrix[samples[:, None], row, samples] -= 1.0 / span
            matrix[samples, row, samples] += 1.0
            matrix[:, row] /= math.sqrt(span)
        return matrix.reshape(len(self.places), -1)
