"""Export of a trained network to an ONNX file: its graph with metadata, checked against Keras."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pba.errors import BadArtifact
from pba.models import v1_features
from pba.models.base import Prediction
from pba.models.distribution import Bins
from pba.models.onnx import OnnxForecaster
from pba.types import COLUMNS, HORIZONS, INTERVALS, Floats

__all__ = ["Origin", "annotate", "check_parity", "export_onnx", "varied_windows"]

_USUAL, _USUAL_SHARE = 1e-5, 0.95
# Of 4096 varied windows of a fine-tuned network, two to four were over 1e-5: at most 2.4e-5.
_MOST = 1e-4
_BATCHES = (1, 7, 64)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a model comes from, as stored in its metadata.

    Parameters
    ----------
    version
        Such as ``internet-2026.11.23-1``.
    columns_seen
        Which of the five columns the training data has.
    trained_on
        Names of the training sets.
    revision
        Git revision of the code.
    """

    version: str
    columns_seen: tuple[bool, ...]
    trained_on: tuple[str, ...] = ()
    revision: str = "unknown"


def export_onnx(
    model: Any,
    graph: Any,
    bins: Bins,
    origin: Origin,
    columns: tuple[str, ...] = COLUMNS,
    learned: str = "probabilities",
) -> bytes:
    """Return ``graph`` as the content of an ONNX file, checked against Keras.

    Parameters
    ----------
    model
        The Keras network.
    graph
        The same as an ONNX model, from `pba.nets.inference` or `pba.nets.keras_conversion`.
    columns, learned
        As in `pba.models.onnx.OnnxForecaster`.

    Raises
    ------
    BadArtifact
        If the file and Keras differ, or if the output is the same for every window.
    """
    metadata = {
        "mode": model.name,
        "version": origin.version,
        "window": str(model.input_shape[1]),
        "columns": json.dumps(columns),
        "learned": learned,
        "horizons": json.dumps(HORIZONS),
        "bin_edges": json.dumps(bins.edges.tolist()),
        "columns_seen": json.dumps(origin.columns_seen),
        "trained_on": json.dumps(origin.trained_on),
        "revision": origin.revision,
        "metrics": "{}",  # until `annotate`
    }
    if "intervals" in model.output:
        metadata["intervals"] = json.dumps(INTERVALS[: model.output["intervals"].shape[1]])
    content = _with_metadata(graph, metadata)
    check_parity(model, OnnxForecaster(content))
    return content


def annotate(content: bytes, metrics: Mapping[str, Any]) -> bytes:
    """Return an exported file with ``metrics``, which are measured on the file, in its metadata."""
    import onnx

    proto = onnx.load_from_string(content)
    for entry in proto.metadata_props:
        if entry.key == "metrics":
            entry.value = json.dumps(metrics)
    annotated: bytes = proto.SerializeToString()
    return annotated


def check_parity(model: Any, forecaster: OnnxForecaster) -> float:
    """Return the largest difference between Keras and ONNX Runtime over varied windows.

    Levels and paths are compared relative to their size, with batches of 1, 7 and 64. Where a
    distribution is sharp, rounding of float32 adds up, in a window of a thousand to more than 1e-5.

    Raises
    ------
    BadArtifact
        If it is above 1e-5 in more than 5 % of the windows or above 1e-4 in any, or if the learned
        output is the same for all windows: an untrained model agrees with any copy of itself.
    """
    rng = np.random.default_rng(7)
    batches = [
        varied_windows(rng, size, forecaster.window, forecaster.columns) for size in _BATCHES
    ]
    onnx = [forecaster.predict(windows) for windows in batches]
    keras = [_predict_keras(model, windows) for windows in batches]
    differences = np.concatenate([_differences(a, b) for a, b in zip(onnx, keras, strict=True)])
    usual, worst = float(np.quantile(differences, _USUAL_SHARE)), float(differences.max())
    if not (usual <= _USUAL and worst <= _MOST):
        raise BadArtifact(
            f"ONNX and Keras differ by {worst:.2g}, and by {usual:.2g} or more in "
            f"{1 - _USUAL_SHARE:.0%} of the windows; at most {_MOST:g} and {_USUAL:g} are allowed. "
            "Check the operators that the network uses."
        )
    if np.ptp(getattr(onnx[-1], forecaster.learned), axis=0).max() < 1e-3:
        raise BadArtifact(
            f"the network gives the same {forecaster.learned} for every window, so it learned "
            "nothing and parity proves nothing. Train it."
        )
    return worst


def varied_windows(
    rng: np.random.Generator, count: int, window: int, columns: tuple[str, ...] = COLUMNS
) -> Floats:
    """Return windows of many kinds, float32, shape ``(count, window, column)``.

    Random walks from 1e-3 to 1e5 Mbps, some with outages, with 20 % of the optional values and
    20 % of the optional columns missing.
    """
    noise = rng.normal(0.0, 10.0 ** rng.uniform(-3, 0, (count, 1, 1)), (count, window, 5))
    walk = np.exp(np.cumsum(noise, axis=1) * 0.3)
    scale = 10.0 ** rng.uniform([-3, -1, -5, -1, -3], [5, 3, -1, 2, 5], (count, 5))
    windows = walk * scale[:, None]
    windows[..., 2] = np.minimum(windows[..., 2], 1.0)
    windows[..., 0] *= rng.random((count, window)) > rng.choice([0.0, 0.0, 0.2, 1.0], (count, 1))
    missing = rng.random((count, window, 4)) < 0.2
    missing |= rng.random((count, 1, 4)) < 0.2
    windows[..., 1:] = np.where(missing, np.nan, windows[..., 1:])
    windows = np.clip(windows, 0.0, 1e6)
    if columns == v1_features.COLUMNS:
        start, step = rng.uniform([0.0, 1.0], [2e9, 3600.0], (count, 2)).T[..., None]
        return v1_features.features(start + step * np.arange(window), windows)
    return windows.astype(np.float32)


def _with_metadata(proto: Any, metadata: Mapping[str, str]) -> bytes:
    for key, value in metadata.items():
        proto.metadata_props.add(key=key, value=value)
    content: bytes = proto.SerializeToString()
    return content


def _predict_keras(model: Any, windows: Floats) -> Prediction:
    parts: Any = {name: np.asarray(part) for name, part in model(windows).items()}
    return Prediction(**parts)


def _differences(onnx: Prediction, keras: Prediction) -> Floats:
    """Return the largest difference of each window; NaN where only one of the two has NaN."""
    pairs = [
        (onnx.probabilities, keras.probabilities),
        (np.log(onnx.level_mbps), np.log(keras.level_mbps)),
        (onnx.path / (1.0 + keras.path), keras.path / (1.0 + keras.path)),
    ]
    if onnx.intervals is not None and keras.intervals is not None:
        pairs.append((onnx.intervals, keras.intervals))
    each = [np.where(np.isnan(a) & np.isnan(b), 0.0, np.abs(a - b)) for a, b in pairs]
    largest = [part.reshape(len(part), -1).max(axis=1) for part in each]
    return np.asarray(np.max(largest, axis=0))
