"""What a model's ONNX file reaches on data it has never seen, beside the last value."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pba import metrics
from pba.distribution import decode
from pba.models.onnx import OnnxForecaster
from pba.nets.data import WindowSet
from pba.types import HORIZONS, Floats

__all__ = ["evaluate", "mean_over"]

Figures = dict[str, float]
"""``accuracy_20``, ``accuracy_10``, ``mae``, ``rmse`` (Mbps); a model's ``calibration_error``."""

_CHUNK = 2048


def evaluate(forecaster: OnnxForecaster, data: WindowSet) -> dict[str, dict[str, Any]]:
    """Return the figures of every set of ``data``, at every horizon.

    Returns
    -------
    dict
        Set → ``windows`` (how many) and, for each horizon as text, ``model`` and ``last_value`` →
        `Figures`.
    """
    return {name: _one_set(forecaster, data, at) for name, at in data.by_set() if len(at)}


def mean_over(sets: dict[str, dict[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    """Return, per horizon and speaker, each figure's mean over the sets called ``names``.

    A horizon that a set is too short for does not count in it.
    """
    return {
        str(steps): {
            speaker: _mean([sets[n][str(steps)][speaker] for n in names if str(steps) in sets[n]])
            for speaker in ("model", "last_value")
        }
        for steps in HORIZONS
    }


def _mean(found: list[Figures]) -> Figures:
    return {key: float(np.mean([figures[key] for figures in found])) for key in found[0]}


def _one_set(forecaster: OnnxForecaster, data: WindowSet, indices: np.ndarray) -> dict[str, Any]:
    points, sure, last, actual = (
        np.concatenate(part) for part in zip(*_answers(forecaster, data, indices), strict=True)
    )
    report: dict[str, Any] = {"windows": len(indices)}
    for horizon, steps in enumerate(HORIZONS):
        known = ~np.isnan(actual[:, horizon])
        if not known.any():
            continue
        truth, said = actual[known, horizon], points[known, horizon]
        model = _figures(said, truth)
        hits = metrics.in_band(said, truth)
        model["calibration_error"] = metrics.calibration_error(sure[known, horizon], hits)
        report[str(steps)] = {"model": model, "last_value": _figures(last[known], truth)}
    return report


def _answers(forecaster: OnnxForecaster, data: WindowSet, indices: np.ndarray) -> Any:
    """Yield points, confidences, last values and actuals, chunk by chunk."""
    for start in range(0, len(indices), _CHUNK):
        batch = data.gather(indices[start : start + _CHUNK])
        said = forecaster.predict(batch.telemetry)
        decoded = decode(said.probabilities, said.level_mbps, forecaster.bins)
        last = batch.telemetry[:, -1, 0]
        yield decoded.bandwidth_mbps, decoded.confidence, last, batch.future_mbps


def _figures(forecast: Floats, actual: Floats) -> Figures:
    return {
        "accuracy_20": metrics.accuracy(forecast, actual),
        "accuracy_10": metrics.accuracy(forecast, actual, 0.1),
        "mae": metrics.mae(forecast, actual),
        "rmse": metrics.rmse(forecast, actual),
    }
