"""The LSTM networks at work: an ONNX file run by ONNX Runtime. The one place that imports it."""

import json
from typing import Any

import numpy as np

from pba.errors import BadArtifact
from pba.models.base import Prediction
from pba.models.distribution import Bins
from pba.types import HORIZONS, Floats

__all__ = ["OnnxForecaster"]

_OUTPUTS = ["probabilities", "level_mbps", "path"]
_CHUNK = 32  # throughput peaks at 8 to 32 windows a run


class OnnxForecaster:
    """A forecaster read from an ONNX file.

    Parameters
    ----------
    model
        The file's content.
    threads
        Threads within one operator; more replicas serve a loaded service better than more threads.

    Raises
    ------
    BadArtifact
        If the file is not ONNX, lacks its metadata, or has other inputs and outputs than
        ``telemetry (batch, window, column)`` → ``probabilities (batch, 3, bin)``,
        ``level_mbps (batch)`` and ``path (batch, 3)``.

    Attributes
    ----------
    columns
        What each column of ``telemetry`` holds: those of `pba.types.COLUMNS`, or of
        `pba.models.v1_features.COLUMNS`.
    learned
        The output that tells one window from another because the network was trained:
        ``probabilities``, or ``level_mbps`` where those are the same for every window.
    """

    def __init__(self, model: bytes, threads: int = 1) -> None:
        self._session = _session(model, threads)
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        try:
            self.name = self.metadata["mode"]
            self.version = self.metadata["version"]
            self.window = int(self.metadata["window"])
            self.bins = Bins(np.array(json.loads(self.metadata["bin_edges"]), dtype=float))
            self.columns = tuple(json.loads(self.metadata["columns"]))
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
        """Return what the network says of the last `window` samples of each history."""
        recent = np.ascontiguousarray(telemetry[:, -self.window :], dtype=np.float32)
        runs = [
            Prediction(*self._session.run(_OUTPUTS, {"telemetry": recent[start : start + _CHUNK]}))
            for start in range(0, len(recent), _CHUNK)
        ]
        return runs[0] if len(runs) == 1 else Prediction.joined(runs)

    def _check_shapes(self) -> None:
        (given,) = self._session.get_inputs()
        found = {output.name: output.shape[1:] for output in self._session.get_outputs()}
        wanted: dict[str, list[Any]] = {
            "probabilities": [len(HORIZONS), len(self.bins)],
            "level_mbps": [],
            "path": [3],
        }
        if given.name != "telemetry" or given.shape[1:] != [self.window, len(self.columns)]:
            raise BadArtifact(
                f"the ONNX input is {given.name} {given.shape}; it is telemetry (batch, "
                f"{self.window}, {len(self.columns)}). Export it again with `python -m train`."
            )
        if found != wanted:
            raise BadArtifact(
                f"the ONNX outputs (without batch) are {found}; they are {wanted}. Export the "
                "model again with `python -m train`."
            )


def _session(model: bytes, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors share no base class of their own
        raise BadArtifact(
            f"ONNX Runtime cannot read the {len(model)} bytes given: {error}. Copy the model again."
        ) from error
