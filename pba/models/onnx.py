"""Inference of the LSTM networks with ONNX Runtime."""

import json
from typing import Any

import numpy as np

from pba.errors import BadArtifact
from pba.models.base import Prediction
from pba.models.distribution import Bins
from pba.models.onnx_session import CPU_SESSION, PROVIDERS, SessionSettings, open_session
from pba.types import HORIZONS, INTERVALS, Floats

__all__ = ["OnnxForecaster"]

_OUTPUTS = ["probabilities", "level_mbps", "path"]
_CHUNK = 32  # a CPU's throughput is highest at 8 to 32 windows per run
_LARGE_CHUNK = 2048  # a GPU takes 3 ms for one window, and 12 ms for so many


class OnnxForecaster:
    """A forecaster that runs an ONNX file.

    Parameters
    ----------
    model
        The file's content.
    session
        Its threads, and where it runs.

    Raises
    ------
    BadArtifact
        If the file is not ONNX or not allowed (`pba.models.onnx_check`), lacks its metadata, or
        has other inputs and outputs than
        ``telemetry (batch, window, column)`` → ``probabilities (batch, 3, bin)``,
        ``level_mbps (batch)``, ``path (batch, 3)`` and, if the metadata has ``intervals``,
        ``intervals (batch, interval, bin)``.

    InvalidInput
        If none of the session's providers is there.

    Attributes
    ----------
    columns
        The columns of ``telemetry``: those of `pba.types.COLUMNS`, or of
        `pba.models.v1_features.COLUMNS`.
    learned
        The output that differs between windows because of training: ``probabilities``, or
        ``level_mbps`` if the probabilities are the same for every window.
    intervals
        Over how many steps it predicts the mean: the first of `pba.types.INTERVALS`, or none.
    """

    def __init__(self, model: bytes, session: SessionSettings = CPU_SESSION) -> None:
        self._session = open_session(model, session)
        on_cpu = self._session.get_providers()[0] == PROVIDERS["CPU"]
        self._chunk = _CHUNK if on_cpu else _LARGE_CHUNK
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        try:
            self.name = self.metadata["mode"]
            self.version = self.metadata["version"]
            self.window = int(self.metadata["window"])
            self.bins = Bins(np.array(json.loads(self.metadata["bin_edges"]), dtype=float))
            self.columns = tuple(json.loads(self.metadata["columns"]))
            self.intervals = _intervals(self.metadata.get("intervals", "[]"))
            self.learned = self.metadata.get("learned", _OUTPUTS[0])
            if self.learned not in _OUTPUTS:
                raise ValueError(f"learned ({self.learned!r})")
        except (KeyError, ValueError, TypeError) as error:
            raise BadArtifact(
                f"the ONNX file's metadata lacks or garbles {error}; it needs mode, version, "
                "window, columns and bin_edges. Export it again with `python -m train`."
            ) from error
        self._check_shapes()

    def predict(self, telemetry: Floats) -> Prediction:
        """Return the network's prediction from the last `window` samples of each history."""
        recent = np.ascontiguousarray(telemetry[:, -self.window :], dtype=np.float32)
        names = [*_OUTPUTS, "intervals"] if self.intervals else _OUTPUTS
        runs = [
            _prediction(
                self._session.run(names, {"telemetry": recent[start : start + self._chunk]})
            )
            for start in range(0, len(recent), self._chunk)
        ]
        return runs[0] if len(runs) == 1 else Prediction.concatenate(runs)

    def _check_shapes(self) -> None:
        (telemetry,) = self._session.get_inputs()
        shapes = {output.name: output.shape[1:] for output in self._session.get_outputs()}
        expected: dict[str, list[Any]] = {
            "probabilities": [len(HORIZONS), len(self.bins)],
            "level_mbps": [],
            "path": [3],
        }
        if self.intervals:
            expected["intervals"] = [len(self.intervals), len(self.bins)]
        if telemetry.name != "telemetry" or telemetry.shape[1:] != [self.window, len(self.columns)]:
            raise BadArtifact(
                f"the ONNX input is {telemetry.name} {telemetry.shape}; it is telemetry (batch, "
                f"{self.window}, {len(self.columns)}). Export it again with `python -m train`."
            )
        if shapes != expected:
            raise BadArtifact(
                f"the ONNX outputs (without batch) are {shapes}; they are {expected}. Export the "
                "model again with `python -m train`."
            )


def _intervals(text: str) -> tuple[int, ...]:
    steps = tuple(json.loads(text))
    if steps != INTERVALS[: len(steps)]:
        raise ValueError(f"intervals ({text})")
    return steps


def _prediction(outputs: list[Floats]) -> Prediction:
    probabilities, level_mbps, path, *means = outputs
    return Prediction(probabilities, level_mbps, path, intervals=means[0] if means else None)
