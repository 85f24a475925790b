"""Replay of a trace: a forecast after every sample, and the scores of these forecasts."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pba.evaluation import metrics
from pba.telemetry.spacing import spacing
from pba.telemetry.traces import Trace
from pba.telemetry.windows import CONTEXT, following_steps
from pba.types import HORIZONS, QUANTILES, Forecast, History
from pba.types.profile import PROFILES

__all__ = [
    "Agreement",
    "ForecastFunction",
    "HorizonScore",
    "ReplayOutcome",
    "compare_forecasts",
    "discard",
    "replay_trace",
    "score_horizons",
    "shift_into_past",
]

_LONGEST = max(profile.window for profile in PROFILES.values())
_MEDIAN = QUANTILES.index(0.5)
_TOLERANCE = 1e-5  # a window predicted alone or in a batch differs in the last bits

ForecastFunction = Callable[[History], Awaitable[Forecast]]
"""Returns the forecast from a history of at most 60 samples."""


@dataclass(frozen=True, slots=True, eq=False)
class ReplayOutcome:
    """One forecast of a replay and its actuals.

    ``actual_mbps`` has the bandwidth 1, 5 and 15 steps later, NaN past the trace's end;
    ``last_mbps`` is the newest sample of the forecast's history.
    """

    forecast: Forecast
    timestamp_s: float
    last_mbps: float
    actual_mbps: tuple[float, ...]
    latency_ms: float


@dataclass(frozen=True, slots=True)
class HorizonScore:
    """The scores of one horizon's forecasts; shares from 0 to 1."""

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
    """How two paths' forecasts from the same histories compare.

    Parameters
    ----------
    comparable
        How many pairs come from the same models, or the same rule, in the same mode.
    equal
        How many of these agree in the point and median of every horizon, to 1e-5: a link's record
        changes its confidence and its other quantiles.
    different_mode
        How many pairs differ in the mode of the link.
    different_source
        How many pairs have the same mode but come from different models or rules.
    confidence_change
        The mean and the largest difference of the confidence one step ahead in comparable pairs.
    """

    comparable: int
    equal: int
    different_mode: int
    different_source: int
    confidence_change: tuple[float, float]


def shift_into_past(trace: Trace, now_s: float) -> Trace:
    """Return ``trace`` in whole microseconds, moved back by whole seconds to end by ``now_s``."""
    excess_s = max(0.0, float(np.ceil(trace.timestamps_s[-1] - now_s)))
    return replace(trace, timestamps_s=np.round(trace.timestamps_s - excess_s, 6))


async def discard(_: History) -> None:
    """Report nothing: the default of `replay_trace`."""


async def replay_trace(
    trace: Trace,
    functions: Sequence[ForecastFunction],
    report: Callable[[History], Awaitable[None]] = discard,
    speed: float = 0.0,
    limit: int | None = None,
) -> AsyncIterator[tuple[ReplayOutcome, ...]]:
    """Yield one outcome per function after every sample of ``trace`` but the first and the last.

    Parameters
    ----------
    trace
        At least 3 samples.
    functions
        Called one after the other with the same history.
    report
        Called before them with that history, and once more at the end, with the last sample.
    speed
        Multiple of real time; 0 waits for nothing but the forecasts.
    limit
        The most forecasts of each function.
    """
    history = trace.history
    longest = _LONGEST * (CONTEXT if spacing(trace.timestamps_s).merges else 1)
    ends = range(2, len(history) if limit is None else min(len(history), limit + 2))
    for end in ends:
        known = history.first(end).last(longest)
        await report(known)
        yield tuple([await _outcome(trace, end, known, function) for function in functions])
        if speed > 0:
            await asyncio.sleep(float(np.diff(trace.timestamps_s[end - 1 : end + 1])[0]) / speed)
    if ends:
        await report(history.first(ends[-1] + 1).last(longest))


async def _outcome(
    trace: Trace, end: int, known: History, function: ForecastFunction
) -> ReplayOutcome:
    """Return the outcome of one forecast after ``end`` samples."""
    started = time.perf_counter()
    forecast = await function(known)
    latency_ms = (time.perf_counter() - started) * 1000
    rate_mbps = trace.telemetry[:, 0]
    timestamp_s = float(trace.timestamps_s[end - 1])
    steps = following_steps(trace.timestamps_s, timestamp_s, forecast.step_s, HORIZONS[-1])
    actual = tuple(float(rate_mbps[steps[n - 1]]) if n <= len(steps) else np.nan for n in HORIZONS)
    return ReplayOutcome(forecast, timestamp_s, float(rate_mbps[end - 1]), actual, latency_ms)


def compare_forecasts(pairs: Iterable[tuple[Forecast, Forecast]]) -> Agreement:
    """Compare two paths' forecasts, pair by pair."""
    pairs = list(pairs)
    comparable = [(one, other) for one, other in pairs if _origin(one) == _origin(other)]
    different_mode = sum(one.mode is not other.mode for one, other in pairs)
    changes = [abs(one.confidence - other.confidence) for one, other in comparable] or [np.nan]
    equal = sum(
        np.allclose(_values(one), _values(other), rtol=_TOLERANCE) for one, other in comparable
    )
    return Agreement(
        len(comparable),
        equal,
        different_mode,
        len(pairs) - len(comparable) - different_mode,
        (float(np.mean(changes)), max(changes)),
    )


def _origin(forecast: Forecast) -> tuple[str | None, ...]:
    return forecast.mode, forecast.source, forecast.model_version, forecast.members[0].name


def _values(forecast: Forecast) -> np.ndarray:
    """Return point and median of every horizon."""
    return np.array(
        [(one.bandwidth_mbps, one.quantiles_mbps[_MEDIAN]) for one in forecast.horizons]
    )


def score_horizons(outcomes: Sequence[ReplayOutcome]) -> list[HorizonScore]:
    """Return one score per horizon, without horizons that no trace is long enough for."""
    scores = (_score_horizon(outcomes, index) for index in range(len(HORIZONS)))
    return [score for score in scores if score is not None]


def _score_horizon(outcomes: Sequence[ReplayOutcome], index: int) -> HorizonScore | None:
    ended = [outcome for outcome in outcomes if not np.isnan(outcome.actual_mbps[index])]
    if not ended:
        return None
    horizons = [outcome.forecast.horizons[index] for outcome in ended]
    point = np.array([horizon.bandwidth_mbps for horizon in horizons])
    quantiles = np.array([horizon.quantiles_mbps for horizon in horizons])
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
        confidence=float(np.mean([horizon.confidence for horizon in horizons])),
    )
