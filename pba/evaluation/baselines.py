"""Textbook baselines: last value, exponential smoothing, Holt's trend, autoregression."""

from dataclasses import replace

import numpy as np

from pba.evaluation.candidates import Candidate, CandidateForecasts, as_candidate, point_only
from pba.models.ewma import Ewma
from pba.models.last_value import LastValue
from pba.types import HORIZONS, Floats

__all__ = ["autoregression", "ewma", "holt", "last_value"]

_ALPHA, _BETA, _DAMPING = 0.5, 0.1, 0.9
_ORDER, _RIDGE = 10, 1e-3


def last_value() -> Candidate:
    """Return the newest value of bandwidth, latency, loss and jitter, unchanged."""
    rule = as_candidate(LastValue())

    def forecast(telemetry: Floats) -> CandidateForecasts:
        newest = telemetry[:, -1:, 0].astype(float)
        return replace(
            point_only(newest.repeat(len(HORIZONS), axis=1)), path=rule.forecast(telemetry).path
        )

    return Candidate("last_value", "2", forecast)


def holt() -> Candidate:
    """Return exponential smoothing with a damped trend.

    Level 0.5, trend 0.1, damping 0.9 (Gardner and McKenzie, "Forecasting trends in time series",
    Management Science, 1985; Hyndman and Athanasopoulos, section 8.2).
    """
    return Candidate("holt", "1", _holt)


def autoregression() -> Candidate:
    """Return an autoregression of order 10, fitted to each window by least squares."""
    return Candidate("ar", "1", _autoregression)


def ewma(alpha: float) -> Candidate:
    """Return `pba.models.ewma.Ewma`, applied to latency, loss and jitter as well."""
    rule = as_candidate(Ewma(alpha))

    def forecast(telemetry: Floats) -> CandidateForecasts:
        return replace(rule.forecast(telemetry), path=_smoothed(telemetry[:, :, 1:4], alpha))

    return Candidate(f"ewma_{alpha:g}", "1", forecast)


def _smoothed(path: Floats, alpha: float) -> Floats:
    """Return the average of the measured values after the newest sample, ``(point, 3)``."""
    average = np.full((len(path), path.shape[2]), np.nan)
    for sample in path.transpose(1, 0, 2):
        updated = np.where(np.isnan(average), sample, alpha * sample + (1 - alpha) * average)
        average = np.where(np.isnan(sample), average, updated)
    return average


def _holt(telemetry: Floats) -> CandidateForecasts:
    rate = telemetry[:, :, 0].astype(float)
    level, trend = rate[:, 0], np.zeros(len(rate))
    for sample in rate.T[1:]:
        previous, damped_trend = level, _DAMPING * trend
        level = _ALPHA * sample + (1 - _ALPHA) * (level + damped_trend)
        trend = _BETA * (level - previous) + (1 - _BETA) * damped_trend
    damping = np.cumsum(_DAMPING ** np.arange(1, max(HORIZONS) + 1))[np.array(HORIZONS) - 1]
    return point_only(np.maximum(level[:, None] + damping * trend[:, None], 0.0))


def _autoregression(telemetry: Floats) -> CandidateForecasts:
    rate = telemetry[:, :, 0].astype(float)
    scale = np.maximum(rate.mean(axis=1, keepdims=True), 1e-9)
    scaled = rate / scale
    rows = np.lib.stride_tricks.sliding_window_view(scaled, _ORDER + 1, axis=1)
    inputs = np.concatenate([rows[..., :-1], np.ones((*rows.shape[:2], 1))], axis=2)
    square = inputs.transpose(0, 2, 1) @ inputs + _RIDGE * np.eye(_ORDER + 1)
    weights = np.linalg.solve(square, inputs.transpose(0, 2, 1) @ rows[..., -1:])[..., 0]
    recent, highest = scaled[:, -_ORDER:], scaled.max(axis=1)
    steps_ahead = []
    for _ in range(max(HORIZONS)):
        ahead = (recent * weights[:, :-1]).sum(axis=1) + weights[:, -1]
        # An unstable fit is limited to the highest value in the window.
        steps_ahead.append(np.clip(ahead, 0.0, highest))
        recent = np.column_stack([recent[:, 1:], steps_ahead[-1]])
    return point_only(scale * np.stack([steps_ahead[steps - 1] for steps in HORIZONS], axis=1))
