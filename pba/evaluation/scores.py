"""Scores of a candidate per target: accuracy, errors, coverage and calibration."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pba.evaluation import metrics
from pba.evaluation.candidates import CandidateForecasts
from pba.evaluation.confident_part import confident_part
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.evaluation.targets import TARGETS
from pba.types import QUANTILES, Floats

__all__ = ["THRESHOLDS", "confident_parts", "mean", "path_errors", "pooled", "scores"]

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)
"""Confidences at which to report the share of forecasts above, and their accuracy."""

_BINS = 10
_PATH = ("latency_ms", "packet_loss", "jitter_ms")

Figures = dict[str, Any]


def scores(forecasts: CandidateForecasts, points: EvaluationPoints) -> dict[str, Figures]:
    """Return the figures of each target, by its name in `pba.evaluation.targets`.

    Shares are from 0 to 1; ``mae``, ``rmse``, ``pinball`` and ``bias`` are in Mbps; those that
    begin with ``near_`` are over the points near a change. Left out are coverage and calibration
    of a candidate without a distribution, a target beyond the end of every trace, and one that the
    candidate does not forecast.
    """
    return _by_target([(forecasts, points)])


def pooled(parts: Sequence[tuple[CandidateForecasts, EvaluationPoints]]) -> dict[str, Figures]:
    """Return the figures over the points of all ``parts``, each point with equal weight."""
    return _by_target(parts)


def confident_parts(
    parts: Mapping[str, tuple[CandidateForecasts, EvaluationPoints]], **groups: Sequence[str]
) -> dict[str, dict[str, Figures]]:
    """Return the `pba.evaluation.confident_part` of each set at each target.

    Parameters
    ----------
    parts
        The forecasts and points of each set.
    groups
        Names of sets to put together, each under its own name, such as ``unseen``.
    """
    results = {name: _confident([part]) for name, part in parts.items()}
    together = {key: _confident([parts[name] for name in sets]) for key, sets in groups.items()}
    return results | together


def _confident(
    parts: Sequence[tuple[CandidateForecasts, EvaluationPoints]],
) -> dict[str, Figures]:
    results = {}
    for index, target in enumerate(TARGETS):
        known = [~np.isnan(points.actual_mbps[:, index]) for _, points in parts]
        pairs = list(zip(parts, known, strict=True))
        confidence = [of.confidence[mask, index] for (of, _), mask in pairs]
        hits = [
            metrics.in_band(of.bandwidth_mbps[mask, index], points.actual_mbps[mask, index])
            for (of, points), mask in pairs
        ]
        joined = np.concatenate(confidence) if parts else np.array([])
        if joined.size and not np.isnan(joined).any():
            results[target] = confident_part(joined, np.concatenate(hits))
    return results


def mean(parts: Sequence[dict[str, Figures]]) -> dict[str, dict[str, float]]:
    """Return the mean of each figure over sets, each set with equal weight."""
    means = {}
    for steps in TARGETS:
        rows = [part[steps] for part in parts if steps in part]
        if rows:
            means[steps] = {
                name: float(np.mean([row[name] for row in rows]))
                for name, value in rows[0].items()
                if isinstance(value, float) and all(name in row for row in rows)
            }
    return means


def path_errors(forecasts: CandidateForecasts, points: EvaluationPoints) -> dict[str, float]:
    """Return the mean absolute errors of latency, loss and jitter one step ahead.

    Over the points with both a measurement and a forecast; a value without any is left out.
    """
    errors = np.abs(forecasts.path - points.actual_path)
    known = ~np.isnan(errors)
    return {
        name: float(errors[known[:, column], column].mean())
        for column, name in enumerate(_PATH)
        if known[:, column].any()
    }


def _by_target(parts: Sequence[tuple[CandidateForecasts, EvaluationPoints]]) -> dict[str, Figures]:
    return {
        target: _figures(parts, index)
        for index, target in enumerate(TARGETS)
        if any(not np.isnan(points.actual_mbps[:, index]).all() for _, points in parts)
        and not any(np.isnan(forecasts.bandwidth_mbps[:, index]).any() for forecasts, _ in parts)
    }


def _figures(parts: Sequence[tuple[CandidateForecasts, EvaluationPoints]], index: int) -> Figures:
    known = [~np.isnan(points.actual_mbps[:, index]) for _, points in parts]

    def gather(arrays: Sequence[Floats]) -> Floats:
        pairs = zip(arrays, known, strict=True)
        return np.concatenate([array[:, index][mask] for array, mask in pairs])

    actual = gather([points.actual_mbps for _, points in parts])
    near = gather([points.near_change for _, points in parts])
    point = gather([forecasts.bandwidth_mbps for forecasts, _ in parts])
    confidence = gather([forecasts.confidence for forecasts, _ in parts])
    quantiles = gather([forecasts.quantiles_mbps for forecasts, _ in parts])
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
    if np.isnan(confidence).any():
        return figures
    hits = metrics.in_band(point, actual)
    return figures | {
        "pinball": metrics.pinball(quantiles, actual, np.array(QUANTILES)),
        "coverage_50": metrics.central_coverage(quantiles, actual, 0.5),
        "coverage_90": metrics.central_coverage(quantiles, actual, 0.9),
        "calibration_error": metrics.calibration_error(confidence, hits),
        "chance_calibration_error": metrics.chance_calibration_error(
            confidence, np.random.default_rng(0)
        ),
        "reliability": _reliability(confidence, hits),
        "answered": _by_threshold(confidence, hits),
    }


def _reliability(confidence: Floats, hits: np.ndarray) -> list[dict[str, float]]:
    """Return mean confidence, share of hits and count of each tenth of confidence."""
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    return [
        {
            "confidence": float(confidence[bins == index].mean()),
            "accuracy_20": float(hits[bins == index].mean()),
            "count": int((bins == index).sum()),
        }
        for index in np.unique(bins)
    ]


def _by_threshold(confidence: Floats, hits: np.ndarray) -> list[dict[str, float | None]]:
    """Return, per threshold, the share of forecasts that reach it and their accuracy."""
    masks = [(threshold, confidence >= threshold) for threshold in THRESHOLDS]
    return [
        {
            "confidence": threshold,
            "share": float(mask.mean()),
            "accuracy_20": float(hits[mask].mean()) if mask.any() else None,
        }
        for threshold, mask in masks
    ]
