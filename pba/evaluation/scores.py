"""Figures of what a contestant said, per horizon: accuracy, errors, intervals, calibration."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pba.evaluation import metrics
from pba.evaluation.candidates import CandidateForecasts
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.types import HORIZONS, QUANTILES, Floats

__all__ = ["THRESHOLDS", "mean", "path_errors", "pooled", "scores"]

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)
"""Of confidence: how many forecasts reach it, and how many of those are in band."""

_BINS = 10
_PATH = ("latency_ms", "packet_loss", "jitter_ms")

Figures = dict[str, Any]


def scores(said: CandidateForecasts, moments: EvaluationPoints) -> dict[str, Figures]:
    """Return the figures of each horizon, by its number of steps as text.

    Shares are from 0 to 1; ``mae``, ``rmse``, ``pinball`` and ``bias`` are in Mbps; those that
    begin with ``near_`` are over the moments near a change. What does not apply is left out:
    intervals and calibration of one that says numbers only, a horizon too far for every trace.
    """
    return _by_horizon([(said, moments)])


def pooled(parts: Sequence[tuple[CandidateForecasts, EvaluationPoints]]) -> dict[str, Figures]:
    """Return the figures over the moments of all ``parts``, each moment counting alike."""
    return _by_horizon(parts)


def mean(parts: Sequence[dict[str, Figures]]) -> dict[str, dict[str, float]]:
    """Return the means of single figures over sets, each set counting alike."""
    found = {}
    for steps in map(str, HORIZONS):
        held = [part[steps] for part in parts if steps in part]
        if held:
            found[steps] = {
                name: float(np.mean([part[name] for part in held]))
                for name, value in held[0].items()
                if isinstance(value, float) and all(name in part for part in held)
            }
    return found


def path_errors(said: CandidateForecasts, moments: EvaluationPoints) -> dict[str, float]:
    """Return the mean absolute error one step ahead of what is measured and said at all."""
    errors = np.abs(said.path - moments.actual_path)
    known = ~np.isnan(errors)
    return {
        name: float(errors[known[:, at], at].mean())
        for at, name in enumerate(_PATH)
        if known[:, at].any()
    }


def _by_horizon(parts: Sequence[tuple[CandidateForecasts, EvaluationPoints]]) -> dict[str, Figures]:
    return {
        str(steps): _figures(parts, at)
        for at, steps in enumerate(HORIZONS)
        if any(not np.isnan(moments.actual_mbps[:, at]).all() for _, moments in parts)
    }


def _figures(parts: Sequence[tuple[CandidateForecasts, EvaluationPoints]], at: int) -> Figures:
    known = [~np.isnan(moments.actual_mbps[:, at]) for _, moments in parts]

    def gather(arrays: Sequence[Floats]) -> Floats:
        pairs = zip(arrays, known, strict=True)
        return np.concatenate([array[:, at][kept] for array, kept in pairs])

    actual = gather([moments.actual_mbps for _, moments in parts])
    near = gather([moments.near_change for _, moments in parts])
    point = gather([said.bandwidth_mbps for said, _ in parts])
    sure = gather([said.confidence for said, _ in parts])
    quantiles = gather([said.quantiles_mbps for said, _ in parts])
    figures: Figures = {
        "count": len(actual),
        "near_count": int(near.sum()),
        "accuracy_20": metrics.accuracy(point, actual),
        "accuracy_10": metrics.accuracy(point, actual, 0.1),
        "mae": metrics.mae(point, actual),
        "rmse": metrics.rmse(point, actual),
        "mdape": metrics.mdape(point, actual),
        "smape": metrics.smape(point, actual),
        "bias": metrics.bias(point, actual),
    }
    if near.any():
        figures["near_accuracy_20"] = metrics.accuracy(point[near], actual[near])
        figures["near_mae"] = metrics.mae(point[near], actual[near])
    if np.isnan(sure).any():
        return figures
    hits = metrics.in_band(point, actual)
    return figures | {
        "pinball": metrics.pinball(quantiles, actual, np.array(QUANTILES)),
        "coverage_50": metrics.central_coverage(quantiles, actual, 0.5),
        "coverage_90": metrics.central_coverage(quantiles, actual, 0.9),
        "calibration_error": metrics.calibration_error(sure, hits),
        "chance_calibration_error": metrics.chance_calibration_error(
            sure, np.random.default_rng(0)
        ),
        "reliability": _reliability(sure, hits),
        "answered": _answered(sure, hits),
    }


def _reliability(sure: Floats, hits: np.ndarray) -> list[dict[str, float]]:
    """Return the mean, the share of hits and the count of each tenth of confidence said."""
    part = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    return [
        {
            "confidence": float(sure[part == index].mean()),
            "accuracy_20": float(hits[part == index].mean()),
            "count": int((part == index).sum()),
        }
        for index in np.unique(part)
    ]


def _answered(sure: Floats, hits: np.ndarray) -> list[dict[str, float | None]]:
    """Return the trade of each threshold: the share of forecasts, and of those, in band."""
    reached = [(threshold, sure >= threshold) for threshold in THRESHOLDS]
    return [
        {
            "confidence": threshold,
            "share": float(kept.mean()),
            "accuracy_20": float(hits[kept].mean()) if kept.any() else None,
        }
        for threshold, kept in reached
    ]
