"""A trace lived through again: forecast after every sample, and how the forecasts turned out."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from pba import metrics
from pba.modes import PROFILES
from pba.traces import Trace
from pba.types import HORIZONS, Forecast, History

__all__ = ["Outcome", "Score", "live", "score"]

_LONGEST = max(profile.window for profile in PROFILES.values())


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One forecast of a replay and what it is held against.

    ``actual_mbps`` has the bandwidth 1, 5 and 15 steps later, NaN past the trace's end;
    ``last_mbps`` is the newest sample the forecast knew.
    """

    forecast: Forecast
    timestamp_s: float
    last_mbps: float
    actual_mbps: tuple[float, ...]
    latency_ms: float


@dataclass(frozen=True, slots=True)
class Score:
    """How one horizon's forecasts turned out; shares from 0 to 1."""

    steps: int
    count: int
    accuracy_20: float
    accuracy_20_last_value: float
    accuracy_10: float
    mae_mbps: float
    coverage_50: float
    coverage_90: float
    confidence: float


def live(
    trace: Trace, ask: Callable[[History], Forecast], speed: float = 0.0, limit: int | None = None
) -> Iterator[Outcome]:
    """Yield the outcome of every sample of ``trace`` but the first.

    Parameters
    ----------
    trace
        At least 3 samples.
    ask
        Gives the forecast from a history of at most 60 samples.
    speed
        Times real time; 0 is as fast as the answers come.
    limit
        The most forecasts.
    """
    history = History(trace.timestamps_s, trace.telemetry)
    bandwidth_mbps = np.append(trace.telemetry[:, 0], np.full(max(HORIZONS), np.nan))
    ends = range(2, len(history) if limit is None else min(len(history), limit + 2))
    for end in ends:
        known = history.first(end).last(_LONGEST)
        started = time.perf_counter()
        forecast = ask(known)
        latency_ms = (time.perf_counter() - started) * 1000
        actual = tuple(float(bandwidth_mbps[end - 1 + steps]) for steps in HORIZONS)
        moment = float(trace.timestamps_s[end - 1])
        yield Outcome(forecast, moment, float(bandwidth_mbps[end - 1]), actual, latency_ms)
        if speed > 0:
            time.sleep((trace.timestamps_s[end] - moment) / speed)


def score(outcomes: list[Outcome]) -> list[Score]:
    """Return one score a horizon; horizons that no trace was long enough for are left out."""
    return [
        found for index in range(len(HORIZONS)) if (found := _score(outcomes, index)) is not None
    ]


def _score(outcomes: list[Outcome], index: int) -> Score | None:
    ended = [outcome for outcome in outcomes if not np.isnan(outcome.actual_mbps[index])]
    if not ended:
        return None
    said = [outcome.forecast.horizons[index] for outcome in ended]
    point = np.array([horizon.bandwidth_mbps for horizon in said])
    quantiles = np.array([horizon.quantiles_mbps for horizon in said])
    actual = np.array([outcome.actual_mbps[index] for outcome in ended])
    last = np.array([outcome.last_mbps for outcome in ended])
    return Score(
        steps=HORIZONS[index],
        count=len(ended),
        accuracy_20=metrics.accuracy(point, actual),
        accuracy_20_last_value=metrics.accuracy(last, actual),
        accuracy_10=metrics.accuracy(point, actual, 0.1),
        mae_mbps=metrics.mae(point, actual),
        coverage_50=metrics.central_coverage(quantiles, actual, 0.5),
        coverage_90=metrics.central_coverage(quantiles, actual, 0.9),
        confidence=float(np.mean([horizon.confidence for horizon in said])),
    )
