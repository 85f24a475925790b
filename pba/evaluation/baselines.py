"""Textbook rules to compare with: repetition, smoothing, Holt's trend, autoregression."""

from dataclasses import replace

import numpy as np

from pba.evaluation.candidates import Candidate, CandidateForecasts, candidate, point_only
from pba.models.ewma import Ewma
from pba.models.last_value import LastValue
from pba.types import HORIZONS, Floats

__all__ = ["autoregression", "holt", "repetition", "smoothing"]

_ALPHA, _BETA, _DAMPING = 0.5, 0.1, 0.9
_ORDER, _RIDGE = 10, 1e-3


def repetition() -> Candidate:
    """Return the newest value of everything, just as it is."""
    rule = candidate(LastValue())

    def say(telemetry: Floats) -> CandidateForecasts:
        newest = telemetry[:, -1:, 0].astype(float)
        return replace(
            point_only(newest.repeat(len(HORIZONS), axis=1)), path=rule.say(telemetry).path
        )

    return Candidate("last_value", "2", say)


def holt() -> Candidate:
    """Return exponential smoothing with a damped trend.

    Level 0.5, trend 0.1, damping 0.9 (Gardner and McKenzie, "Forecasting trends in time series",
    Management Science, 1985; Hyndman and Athanasopoulos, section 8.2).
    """
    return Candidate("holt", "1", _holt)


def autoregression() -> Candidate:
    """Return an autoregression of order 10, fitted anew to every window by least squares."""
    return Candidate("ar", "1", _autoregression)


def smoothing(alpha: float) -> Candidate:
    """Return `pba.models.ewma.Ewma`, which here smooths latency, loss and jitter as well."""
    rule = candidate(Ewma(alpha))

    def say(telemetry: Floats) -> CandidateForecasts:
        return replace(rule.say(telemetry), path=_smoothed(telemetry[:, :, 1:4], alpha))

    return Candidate(f"ewma_{alpha:g}", "1", say)


def _smoothed(path: Floats, alpha: float) -> Floats:
    """Return the average after the newest sample, over what was measured, ``(moment, 3)``."""
    average = np.full((len(path), path.shape[2]), np.nan)
    for now in path.transpose(1, 0, 2):
        begun = np.where(np.isnan(average), now, alpha * now + (1 - alpha) * average)
        average = np.where(np.isnan(now), average, begun)
    return average


def _holt(telemetry: Floats) -> CandidateForecasts:
    rate = telemetry[:, :, 0].astype(float)
    level, trend = rate[:, 0], np.zeros(len(rate))
    for now in rate.T[1:]:
        before, carried = level, _DAMPING * trend
        level = _ALPHA * now + (1 - _ALPHA) * (level + carried)
        trend = _BETA * (level - before) + (1 - _BETA) * carried
    damped = np.cumsum(_DAMPING ** np.arange(1, max(HORIZONS) + 1))[np.array(HORIZONS) - 1]
    return point_only(np.maximum(level[:, None] + damped * trend[:, None], 0.0))


def _autoregression(telemetry: Floats) -> CandidateForecasts:
    rate = telemetry[:, :, 0].astype(float)
    scale = np.maximum(rate.mean(axis=1, keepdims=True), 1e-9)
    scaled = rate / scale
    rows = np.lib.stride_tricks.sliding_window_view(scaled, _ORDER + 1, axis=1)
    given = np.concatenate([rows[..., :-1], np.ones((*rows.shape[:2], 1))], axis=2)
    square = given.transpose(0, 2, 1) @ given + _RIDGE * np.eye(_ORDER + 1)
    weights = np.linalg.solve(square, given.transpose(0, 2, 1) @ rows[..., -1:])[..., 0]
    recent, highest = scaled[:, -_ORDER:], scaled.max(axis=1)
    said = []
    for _ in range(max(HORIZONS)):
        ahead = (recent * weights[:, :-1]).sum(axis=1) + weights[:, -1]
        said.append(np.clip(ahead, 0.0, highest))  # a fit that explodes says the highest seen
        recent = np.column_stack([recent[:, 1:], said[-1]])
    return point_only(scale * np.stack([said[steps - 1] for steps in HORIZONS], axis=1))
