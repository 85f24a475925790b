"""Who is compared: forecasters of the contract, and regressors that say a number only."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pba.models import v1_features
from pba.models.base import Forecaster
from pba.models.distribution import decode
from pba.telemetry.traces import Trace
from pba.types import HORIZONS, QUANTILES, Floats

__all__ = ["Candidate", "CandidateForecasts", "candidate", "control_candidate", "point_only"]


@dataclass(frozen=True, slots=True, eq=False)
class CandidateForecasts:
    """What a contestant says at some moments.

    Parameters
    ----------
    bandwidth_mbps, confidence
        Shape ``(moment, horizon)``; confidence is NaN from one that says a number only.
    quantiles_mbps
        Shape ``(moment, horizon, 7)``; NaN likewise.
    path
        Latency (ms), packet loss and jitter (ms) of the next step, shape ``(moment, 3)``, or NaN.
    """

    bandwidth_mbps: Floats
    confidence: Floats
    quantiles_mbps: Floats
    path: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One to compare.

    Parameters
    ----------
    name
        In tables.
    identity
        What tells it from an earlier one of the same name, so that old answers are not taken for
        its own.
    say
        Windows ``(moment, window, 5)`` → what it says.
    view
        What it makes of a trace before windows are cut, where five columns are not what it takes;
        samples and their times stay.
    """

    name: str
    identity: str
    say: Callable[[Floats], CandidateForecasts]
    view: Callable[[Trace], Trace] | None = None


def candidate(forecaster: Forecaster, name: str | None = None, identity: str = "") -> Candidate:
    """Return ``forecaster`` as a contestant."""

    def say(telemetry: Floats) -> CandidateForecasts:
        said = forecaster.predict(telemetry)
        read = decode(said.probabilities, said.level_mbps, forecaster.bins)
        return CandidateForecasts(
            read.bandwidth_mbps, read.confidence, read.quantiles_mbps, said.path
        )

    return Candidate(name or forecaster.name, identity, say)


def control_candidate(forecaster: Forecaster, identity: str = "") -> Candidate:
    """Return v1, which sees hour and weekday too, as a contestant."""

    def view(trace: Trace) -> Trace:
        features = v1_features.features(trace.timestamps_s, trace.telemetry)
        return replace(trace, telemetry=features)

    return replace(candidate(forecaster, v1_features.NAME, identity), view=view)


def point_only(bandwidth_mbps: Floats) -> CandidateForecasts:
    """Return what one says that gives ``bandwidth_mbps (moment, horizon)`` and nothing else."""
    count = len(bandwidth_mbps)
    return CandidateForecasts(
        bandwidth_mbps,
        np.full((count, len(HORIZONS)), np.nan),
        np.full((count, len(HORIZONS), len(QUANTILES)), np.nan),
        np.full((count, 3), np.nan),
    )
