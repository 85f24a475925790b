"""A trace lived through again: forecast after every sample, and how the forecasts turned out."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pba.evaluation import metrics
from pba.telemetry.traces import Trace
from pba.types import HORIZONS, Forecast, History
from pba.types.profile import PROFILES

__all__ = [
    "Agreement",
    "ForecastFunction",
    "ReplayOutcome",
    "HorizonScore",
    "agreement",
    "live",
    "nowhere",
    "past",
    "score",
]

_LONGEST = max(profile.window for profile in PROFILES.values())
_SAME = 1e-5  # a model answers one window alone or among others, which differ in the last bits

ForecastFunction = Callable[[History], Awaitable[Forecast]]
"""Gives the forecast from a history of at most 60 samples."""


@dataclass(frozen=True, slots=True, eq=False)
class ReplayOutcome:
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
class HorizonScore:
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


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two paths' forecasts of the same moments compare.

    Parameters
    ----------
    alike
        How often the same models, or the same rule, spoke in the same mode on both.
    same
        How often they then said the same: points and quantiles of every horizon, to 1e-5.
    other_mode
        How often the paths took the link to be in different modes.
    other_speaker
        How often somebody else spoke in the same mode.
    confidence_moved
        The mean and the largest difference of the confidence one step ahead, of those alike.
    """

    alike: int
    same: int
    other_mode: int
    other_speaker: int
    confidence_moved: tuple[float, float]


def past(trace: Trace, now_s: float) -> Trace:
    """Return ``trace`` in whole microseconds, moved back by whole seconds to end by ``now_s``."""
    ahead_s = max(0.0, float(np.ceil(trace.timestamps_s[-1] - now_s)))
    return replace(trace, timestamps_s=np.round(trace.timestamps_s - ahead_s, 6))


async def nowhere(_: History) -> None:
    """Report to nobody."""


async def live(
    trace: Trace,
    asks: Sequence[ForecastFunction],
    report: Callable[[History], Awaitable[None]] = nowhere,
    speed: float = 0.0,
    limit: int | None = None,
) -> AsyncIterator[tuple[ReplayOutcome, ...]]:
    """Yield what each of ``asks`` gave after every sample of ``trace`` but the first and the last.

    Parameters
    ----------
    trace
        At least 3 samples.
    asks
        Asked one after the other.
    report
        Given the same history as they, before them, and at the end the last sample too.
    speed
        Times real time; 0 is as fast as the answers come.
    limit
        The most forecasts of each.
    """
    history = History(trace.timestamps_s, trace.telemetry)
    ends = range(2, len(history) if limit is None else min(len(history), limit + 2))
    for end in ends:
        known = history.first(end).last(_LONGEST)
        await report(known)
        yield tuple([await _outcome(trace, end, known, ask) for ask in asks])
        if speed > 0:
            await asyncio.sleep(float(np.diff(trace.timestamps_s[end - 1 : end + 1])[0]) / speed)
    if ends:
        await report(history.first(ends[-1] + 1).last(_LONGEST))


async def _outcome(trace: Trace, end: int, known: History, ask: ForecastFunction) -> ReplayOutcome:
    """Ask once, after ``end`` samples."""
    started = time.perf_counter()
    forecast = await ask(known)
    latency_ms = (time.perf_counter() - started) * 1000
    rate_mbps = trace.telemetry[:, 0]
    then = [end - 1 + steps for steps in HORIZONS]
    actual = tuple(float(rate_mbps[at]) if at < len(trace) else np.nan for at in then)
    moment_s = float(trace.timestamps_s[end - 1])
    return ReplayOutcome(forecast, moment_s, float(rate_mbps[end - 1]), actual, latency_ms)


def agreement(pairs: Iterable[tuple[Forecast, Forecast]]) -> Agreement:
    """Compare two paths' forecasts, moment by moment."""
    found = list(pairs)
    alike = [(one, other) for one, other in found if _speaker(one) == _speaker(other)]
    modes = sum(one.mode is not other.mode for one, other in found)
    moved = [abs(one.confidence - other.confidence) for one, other in alike] or [np.nan]
    same = sum(np.allclose(_figures(one), _figures(other), rtol=_SAME) for one, other in alike)
    others = len(found) - len(alike) - modes
    return Agreement(len(alike), same, modes, others, (float(np.mean(moved)), max(moved)))


def _speaker(forecast: Forecast) -> tuple[str | None, ...]:
    said = forecast.mode, forecast.source, forecast.model_version, forecast.members[0].name
    return said


def _figures(forecast: Forecast) -> np.ndarray:
    """Return points and quantiles of every horizon."""
    parts = [(one.bandwidth_mbps, *one.quantiles_mbps) for one in forecast.horizons]
    return np.array(parts)


def score(outcomes: Sequence[ReplayOutcome]) -> list[HorizonScore]:
    """Return one score a horizon; horizons that no trace was long enough for are left out."""
    return [
        found for index in range(len(HORIZONS)) if (found := _score(outcomes, index)) is not None
    ]


def _score(outcomes: Sequence[ReplayOutcome], index: int) -> HorizonScore | None:
    ended = [outcome for outcome in outcomes if not np.isnan(outcome.actual_mbps[index])]
    if not ended:
        return None
    said = [outcome.forecast.horizons[index] for outcome in ended]
    point = np.array([horizon.bandwidth_mbps for horizon in said])
    quantiles = np.array([horizon.quantiles_mbps for horizon in said])
    actual = np.array([outcome.actual_mbps[index] for outcome in ended])
    last = np.array([outcome.last_mbps for outcome in ended])
    return HorizonScore(
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
