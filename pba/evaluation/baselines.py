"""Textbook baselines: last value, exponential smoothing, Holt's trend, autoregression."""

from dataclasses import replace

import numpy as np

from pba.evaluation.candidates import Candidate, CandidateForecasts, as_candidate, point_only
from pba.evaluation.targets import TARGETS
from pba.models.ewma import Ewma
from pba.models.last_value import LastValue
from pba.types import HORIZONS, INTERVALS, Floats

__all__ = ["autoregression", "ewma", "holt", "last_value"]

_ALPHA, _BETA, _DAMPING = 0.5, 0.1, 0.9
_ORDER, _RIDGE = 10, 1e-3
_LONGEST = max(*HORIZONS, *INTERVALS)


def last_value() -> Candidate:
    """Return the newest value of bandwidth, latency, loss and jitter, unchanged."""
    rule = as_candidate(LastValue())

    def forecast(telemetry: Floats) -> CandidateForecasts:
        newest = telemetry[:, -1:, 0].astype(float)
        return replace(
            point_only(newest.repeat(len(TARGETS), axis=1)), path=rule.forecast(telemetry).path
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
    """Return `pba.models.ewma.Ewma`, applied to latency, loss and jitter as well.

    It forecasts the mean over every interval as the average itself.
    """
    rule = Ewma(alpha)
    candidate = as_candidate(rule)

    def forecast(telemetry: Floats) -> CandidateForecasts:
        forecasts = candidate.forecast(telemetry)
        average = rule.estimates(telemetry[:, :, 0].astype(float))[:, -1:]
        points = forecasts.bandwidth_mbps[:, : len(HORIZONS)]
        points = np.concatenate([points, average.repeat(len(INTERVALS), axis=1)], axis=1)
        path = _smoothed(telemetry[:, :, 1:4], alpha)
        return replace(forecasts, bandwidth_mbps=points, path=path)

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
    damping = np.cumsum(_DAMPING ** np.arange(1, _LONGEST + 1))
    return _of_path(np.maximum(level[:, None] + damping * trend[:, None], 0.0))


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
    for _ in range(_LONGEST):
        ahead = (recent * weights[:, :-1]).sum(axis=1) + weights[:, -1]
        # An unstable fit is limited to the highest value in the window.
        steps_ahead.append(np.clip(ahead, 0.0, highest))
        recent = np.column_stack([recent[:, 1:], steps_ahead[-1]])
    return _of_path(scale * np.stack(steps_ahead, axis=1))


def _of_path(rates_mbps: Floats) -> CandidateForecasts:
    """Return the forecasts of who forecasts every step, ``(point, step)``."""
    points = [rates_mbps[:, steps - 1] for steps in HORIZONS]
    means = [rates_mbps[:, :steps].mean(axis=1) for steps in INTERVALS]
    return point_only(np.stack([*points, *means], axis=1))
