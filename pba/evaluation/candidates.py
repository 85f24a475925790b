"""Candidates of an evaluation: forecasters, and regressors that give a point forecast only."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pba.evaluation.targets import TARGETS
from pba.models import v1_features
from pba.models.base import Forecaster
from pba.models.distribution import decode
from pba.telemetry.outliers import clean_windows
from pba.telemetry.traces import Trace
from pba.types import COLUMNS, QUANTILES, Floats

__all__ = [
    "Candidate",
    "CandidateForecasts",
    "as_candidate",
    "control_candidate",
    "point_only",
    "served_candidate",
]

_CLEANED = "cleaned-1"  # in identities: another number with another rule in pba.telemetry.outliers


@dataclass(frozen=True, slots=True, eq=False)
class CandidateForecasts:
    """A candidate's forecasts at some evaluation points.

    Parameters
    ----------
    bandwidth_mbps, confidence
        Shape ``(point, target)``, see `pba.evaluation.targets`. NaN are what the candidate does not
        forecast, and the confidence of one without a distribution.
    quantiles_mbps
        Shape ``(point, target, 7)``; NaN likewise.
    path
        Latency (ms), packet loss and jitter (ms) of the next step, shape ``(point, 3)``, or NaN.
    """

    bandwidth_mbps: Floats
    confidence: Floats
    quantiles_mbps: Floats
    path: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A forecaster to compare with others.

    Parameters
    ----------
    name
        Its name in tables.
    identity
        Distinguishes it from an earlier candidate of the same name, whose cached forecasts must
        not be used for it.
    forecast
        Windows ``(point, window, 5)`` → its forecasts.
    view
        Transforms a trace before windows are cut, for a candidate whose input is not the five
        columns; the samples and their times stay.
    """

    name: str
    identity: str
    forecast: Callable[[Floats], CandidateForecasts]
    view: Callable[[Trace], Trace] | None = None


def as_candidate(forecaster: Forecaster, name: str | None = None, identity: str = "") -> Candidate:
    """Return ``forecaster`` as a candidate."""

    def forecast(telemetry: Floats) -> CandidateForecasts:
        prediction = forecaster.predict(telemetry)
        parts = [decode(prediction.probabilities, prediction.level_mbps, forecaster.bins)]
        if prediction.intervals is not None:
            parts.append(decode(prediction.intervals, prediction.level_mbps, forecaster.bins))
        points, confidence, quantiles = (_for_targets(*row) for row in zip(*parts, strict=True))
        return CandidateForecasts(points, confidence, quantiles, prediction.path)

    return Candidate(name or forecaster.name, identity, forecast)


def served_candidate(forecaster: Forecaster, name: str, identity: str = "") -> Candidate:
    """Return ``forecaster`` as a candidate that sees windows without outliers, as in the service.

    The windows have the five columns. Actuals stay as they were measured, outliers too.
    """
    candidate = as_candidate(forecaster, name, f"{identity} {_CLEANED}")
    return replace(
        candidate, forecast=lambda telemetry: candidate.forecast(clean_windows(telemetry))
    )


def control_candidate(forecaster: Forecaster, identity: str = "") -> Candidate:
    """Return v1, whose input includes hour and weekday, as a candidate; cleaned likewise."""
    candidate = as_candidate(forecaster, v1_features.NAME, f"{identity} {_CLEANED}")

    def view(trace: Trace) -> Trace:
        features = v1_features.features(trace.timestamps_s, trace.telemetry)
        return replace(trace, telemetry=features)

    def forecast(features: Floats) -> CandidateForecasts:
        measured, date = np.split(features, [v1_features.MEASURED], axis=-1)
        columns = np.full((*features.shape[:2], len(COLUMNS)), np.nan, dtype=features.dtype)
        columns[..., : v1_features.MEASURED] = measured
        cleaned = clean_windows(columns)[..., : v1_features.MEASURED]
        return candidate.forecast(np.concatenate([cleaned, date], axis=-1))

    return replace(candidate, forecast=forecast, view=view)


def point_only(bandwidth_mbps: Floats) -> CandidateForecasts:
    """Return forecasts that consist of ``bandwidth_mbps (point, target)`` alone."""
    unknown = np.full_like(bandwidth_mbps, np.nan)
    quantiles = np.repeat(unknown[..., None], len(QUANTILES), axis=-1)
    path = np.full((len(bandwidth_mbps), 3), np.nan)
    return CandidateForecasts(bandwidth_mbps, unknown, quantiles, path)


def _for_targets(*columns: Floats) -> Floats:
    """Return ``columns (point, target, …)`` one after the other, and NaN for targets after them."""
    joined = np.concatenate(columns, axis=1)
    missing = len(TARGETS) - joined.shape[1]
    widths = [(0, 0), (0, missing), *[(0, 0)] * (joined.ndim - 2)]
    return np.pad(joined, widths, constant_values=np.nan)
