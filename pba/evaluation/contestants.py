"""Who is compared: forecasters of the contract, and regressors that say a number only."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pba import baseline
from pba.distribution import decode
from pba.models.base import Forecaster
from pba.traces import Trace
from pba.types import HORIZONS, QUANTILES, Floats

__all__ = ["Contestant", "Said", "contestant", "control", "number"]


@dataclass(frozen=True, slots=True, eq=False)
class Said:
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
class Contestant:
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
    say: Callable[[Floats], Said]
    view: Callable[[Trace], Trace] | None = None


def contestant(forecaster: Forecaster, name: str | None = None, identity: str = "") -> Contestant:
    """Return ``forecaster`` as a contestant."""

    def say(telemetry: Floats) -> Said:
        said = forecaster.predict(telemetry)
        read = decode(said.probabilities, said.level_mbps, forecaster.bins)
        return Said(read.bandwidth_mbps, read.confidence, read.quantiles_mbps, said.path)

    return Contestant(name or forecaster.name, identity, say)


def control(forecaster: Forecaster, identity: str = "") -> Contestant:
    """Return v1, which sees hour and weekday too, as a contestant."""

    def view(trace: Trace) -> Trace:
        features = baseline.features(trace.timestamps_s, trace.telemetry)
        return replace(trace, telemetry=features)

    return replace(contestant(forecaster, baseline.NAME, identity), view=view)


def number(bandwidth_mbps: Floats) -> Said:
    """Return what one says that gives ``bandwidth_mbps (moment, horizon)`` and nothing else."""
    count = len(bandwidth_mbps)
    return Said(
        bandwidth_mbps,
        np.full((count, len(HORIZONS)), np.nan),
        np.full((count, len(HORIZONS), len(QUANTILES)), np.nan),
        np.full((count, 3), np.nan),
    )
