"""Model files on any fsspec path: reading, verification, and the golden vectors used for it.

A model is a folder: ``<name>_bandwidth_predictor.onnx``, ``card.json`` (sha256, version, metrics)
and ``golden.json`` (windows and the outputs expected for them). It is named after the mode it
serves, or ``v1`` for the control arm (`pba.models.v1_features`).
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from pba.errors import BadArtifact
from pba.extras import require_library
from pba.models import v1_features
from pba.models.base import Prediction
from pba.models.onnx import OnnxForecaster
from pba.models.onnx_session import CPU_SESSION, SessionSettings
from pba.types import COLUMNS, Floats
from pba.types.profile import PROFILES

__all__ = ["Artifact", "golden", "keras_name", "load", "onnx_name", "read", "verify"]

_TOLERANCE = 1e-4  # processors differ in the last bits, a wrong model in the first digits
_INPUTS = {
    **{mode.value: (profile.window, COLUMNS) for mode, profile in PROFILES.items()},
    v1_features.NAME: (v1_features.WINDOW, v1_features.COLUMNS),
}
"""Window and columns of each model's input."""


@dataclass(frozen=True, slots=True, eq=False)
class Artifact:
    """The content of one model's files."""

    uri: str
    onnx: bytes
    card: dict[str, Any]
    golden: dict[str, Any]


def onnx_name(name: str) -> str:
    """Return the file name of the ONNX model called ``name``."""
    return f"{name}_bandwidth_predictor.onnx"


def keras_name(name: str) -> str:
    """Return the file name of the Keras model called ``name``, from which training can continue."""
    return f"{name}_model.keras"


def load(
    uri: str, name: str, session: SessionSettings = CPU_SESSION
) -> tuple[OnnxForecaster, dict[str, Any]]:
    """Return the verified forecaster ``name`` below ``uri`` and its card.

    Raises
    ------
    BadArtifact
        If a file is missing, unreadable or altered, or the outputs are not the golden ones.
    """
    artifact = read(uri, name)
    return verify(artifact, name, session), artifact.card


def read(uri: str, name: str) -> Artifact:
    """Return the files of the model ``name`` in the folder ``uri`` (a path or any fsspec URL)."""
    require_library("fsspec", "reading a model")
    import fsspec

    try:
        system, folder = fsspec.core.url_to_fs(uri)
        return Artifact(
            uri,
            system.cat_file(f"{folder}/{onnx_name(name)}"),
            _object(system.cat_file(f"{folder}/card.json")),
            _object(system.cat_file(f"{folder}/golden.json")),
        )
    except (OSError, ValueError, ImportError) as error:
        raise BadArtifact(
            f"{uri} does not hold {onnx_name(name)}, card.json and golden.json: {error}. "
            "Point `model` at a folder that `python -m train` wrote."
        ) from error


def _object(text: bytes) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"{value!r:.50} is not a JSON object")
    return value


def verify(artifact: Artifact, name: str, session: SessionSettings = CPU_SESSION) -> OnnxForecaster:
    """Return the artefact's forecaster, warmed up, if file, card and golden outputs agree.

    Raises
    ------
    BadArtifact
        If they do not.
    """
    actual, expected = hashlib.sha256(artifact.onnx).hexdigest(), artifact.card.get("sha256")
    if actual != expected:
        raise BadArtifact(
            f"the ONNX file below {artifact.uri} has sha256 {actual}; its card says {expected}. It "
            "was altered or cut short: copy the folder again."
        )
    forecaster = OnnxForecaster(artifact.onnx, session)
    if forecaster.name != name:
        raise BadArtifact(
            f"{artifact.uri} holds a model for {forecaster.name}; {name} needs its own."
        )
    _check_input(forecaster, artifact)
    _check_golden(forecaster, artifact)
    return forecaster


def golden(forecaster: OnnxForecaster, telemetry: Floats) -> dict[str, Any]:
    """Return the content of ``golden.json``: windows ``(batch, window, column)`` and outputs."""
    arrays = {"telemetry": telemetry, **_outputs(forecaster.predict(telemetry))}
    return {name: _nullable(np.asarray(values, dtype=float)) for name, values in arrays.items()}


def _check_input(forecaster: OnnxForecaster, artifact: Artifact) -> None:
    actual, expected = (forecaster.window, forecaster.columns), _INPUTS.get(forecaster.name)
    if expected and actual != expected:
        raise BadArtifact(
            f"the model below {artifact.uri} takes {actual[0]} samples of "
            f"{', '.join(actual[1])}; {forecaster.name} is given {expected[0]} of "
            f"{', '.join(expected[1])}."
        )


def _check_golden(forecaster: OnnxForecaster, artifact: Artifact) -> None:
    try:
        expected = {name: np.array(values, dtype=float) for name, values in artifact.golden.items()}
        outputs = _outputs(forecaster.predict(expected["telemetry"]))
        wrong = [
            name
            for name, values in outputs.items()
            if not np.allclose(values, expected[name], _TOLERANCE, _TOLERANCE, equal_nan=True)
        ]
    except Exception as error:  # ONNX Runtime's errors have no base class of their own
        raise BadArtifact(f"golden.json below {artifact.uri} is not usable: {error!r}.") from error
    if wrong or np.ptp(outputs[forecaster.learned], axis=0).max() == 0:
        raise BadArtifact(
            f"the model below {artifact.uri} does not give its golden answers "
            f"({', '.join(wrong) or 'its output is constant'}). Export it again."
        )


def _outputs(prediction: Prediction) -> dict[str, Floats]:
    outputs = {
        "probabilities": prediction.probabilities,
        "level_mbps": prediction.level_mbps,
        "path": prediction.path,
    }
    intervals = prediction.intervals
    return outputs if intervals is None else outputs | {"intervals": intervals}


def _nullable(values: Floats) -> Any:
    """Return ``values`` as lists with None for NaN, which JSON does not have."""
    return np.where(np.isnan(values), None, values).tolist()  # type: ignore[call-overload]
