"""A replay uses earlier samples only, and its scores agree with a plain loop."""

import asyncio
import math
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest

from pba.evaluation.trace_replay import (
    ForecastFunction,
    ReplayOutcome,
    compare_forecasts,
    replay_trace,
    score_horizons,
    shift_into_past,
)
from pba.forecasting.stretch import Stretch
from pba.serving.local_service import LocalService
from pba.telemetry.traces import Trace
from pba.types import HORIZONS, QUANTILES, Forecast, History, NetworkMode

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SERVICE = LocalService({}, clock=lambda: NOW)


def trace(count: int) -> Trace:
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0] = 100.0 * np.exp(np.random.default_rng(4).normal(0.0, 0.2, count))
    return Trace("t", "test", 1e9 + np.arange(float(count)), telemetry)


async def forecast(history: History) -> Forecast:
    return SERVICE.forecast(history)


async def replay_all(
    replayed: Trace, *functions: ForecastFunction, **options: object
) -> list[tuple[ReplayOutcome, ...]]:
    return [turn async for turn in replay_trace(replayed, functions or [forecast], **options)]


def outcomes(count: int, limit: int | None = None) -> list[ReplayOutcome]:
    return [only for (only,) in asyncio.run(replay_all(trace(count), limit=limit))]


async def test_each_forecast_uses_at_most_60_samples_up_to_its_own():
    calls: list[tuple[str, History]] = []

    def recording(name: str) -> ForecastFunction:
        async def forecast(history: History) -> Forecast:
            calls.append((name, history))
            return SERVICE.forecast(history)

        return forecast

    replayed = trace(80)
    turns = await replay_all(
        replayed, recording("first"), recording("second"), report=recording("report")
    )
    assert [name for name, _ in calls] == ["report", "first", "second"] * 78 + ["report"]
    assert [len(history) for _, history in calls[::3]] == [min(end, 60) for end in range(2, 81)]
    for index, (_, history) in enumerate(calls):
        assert history.timestamps_s[-1] == replayed.timestamps_s[1 + index // 3]
    assert {len(turn) for turn in turns} == {2}


def test_an_outcome_has_the_actuals_1_5_and_15_steps_later():
    replayed = trace(30)
    for end, outcome in enumerate(outcomes(30), start=2):
        assert outcome.timestamp_s == replayed.timestamps_s[end - 1]
        assert outcome.last_mbps == replayed.telemetry[end - 1, 0]
        for steps, actual in zip(HORIZONS, outcome.actual_mbps, strict=True):
            if end - 1 + steps < 30:
                assert actual == replayed.telemetry[end - 1 + steps, 0]
            else:
                assert math.isnan(actual)
        assert outcome.latency_ms > 0


def test_the_last_sample_of_a_trace_has_no_forecast():
    assert len(outcomes(3)) == 1
    assert outcomes(2) == []


@pytest.mark.parametrize(("limit", "count"), [(1, 1), (7, 7), (1000, 28)])
def test_a_replay_can_be_limited(limit, count):
    assert len(outcomes(30, limit)) == count


async def test_a_replay_can_run_at_a_multiple_of_real_time(monkeypatch):
    delays: list[float] = []

    async def sleep(seconds: float) -> None:
        delays.append(seconds)

    monkeypatch.setattr("pba.evaluation.trace_replay.asyncio.sleep", sleep)
    await replay_all(trace(6), speed=4.0)
    assert delays == [0.25] * 4
    delays.clear()
    await replay_all(trace(6))
    assert delays == []


def test_a_trace_in_the_future_is_shifted_back_by_whole_seconds():
    replayed = trace(3)
    np.testing.assert_array_equal(
        shift_into_past(replayed, 2e9).timestamps_s, replayed.timestamps_s
    )
    moved = shift_into_past(replace(replayed, timestamps_s=replayed.timestamps_s + 0.25), 1e9)
    assert moved.timestamps_s.tolist() == [1e9 - 2.75, 1e9 - 1.75, 1e9 - 0.75]


def test_forecasts_of_the_same_source_are_compared():
    one = outcomes(3)[0].forecast
    first, *others = one.horizons
    surer = replace(one, horizons=(replace(first, confidence=first.confidence + 0.1), *others))
    off = replace(one, horizons=(replace(first, bandwidth_mbps=first.bandwidth_mbps + 1), *others))
    wider = replace(
        one,
        horizons=(replace(first, quantiles_mbps=Stretch(0.5).apply(first.quantiles_mbps)), *others),
    )
    pairs = [
        (one, one),
        (one, wider),
        (one, surer),
        (one, off),
        (one, replace(one, mode=NetworkMode.HYBRID, source="ensemble")),
        (one, replace(one, source="expert")),
    ]
    agreement = compare_forecasts(pairs)
    assert (
        agreement.comparable,
        agreement.equal,
        agreement.different_mode,
        agreement.different_source,
    ) == (4, 3, 1, 1)
    assert agreement.confidence_change == pytest.approx((0.1 / 4, 0.1))


def test_scores_agree_with_a_plain_loop():
    replayed = outcomes(120)
    for index, score in enumerate(score_horizons(replayed)):
        rows = [
            (outcome.forecast.horizons[index], outcome.actual_mbps[index], outcome.last_mbps)
            for outcome in replayed
            if not math.isnan(outcome.actual_mbps[index])
        ]
        count = len(rows)
        low, lower = QUANTILES.index(0.05), QUANTILES.index(0.25)
        high, upper = QUANTILES.index(0.95), QUANTILES.index(0.75)
        assert (score.steps, score.count) == (HORIZONS[index], count)
        expected = {
            "accuracy_20": sum(abs(h.bandwidth_mbps - a) <= 0.2 * a for h, a, _ in rows),
            "accuracy_20_last_value": sum(abs(last - a) <= 0.2 * a for _, a, last in rows),
            "accuracy_10": sum(abs(h.bandwidth_mbps - a) <= 0.1 * a for h, a, _ in rows),
            "mae_mbps": sum(abs(h.bandwidth_mbps - a) for h, a, _ in rows),
            "coverage_50": sum(
                h.quantiles_mbps[lower] <= a <= h.quantiles_mbps[upper] for h, a, _ in rows
            ),
            "coverage_90": sum(
                h.quantiles_mbps[low] <= a <= h.quantiles_mbps[high] for h, a, _ in rows
            ),
            "confidence": sum(h.confidence for h, _, _ in rows),
        }
        for name, total in expected.items():
            assert getattr(score, name) == pytest.approx(total / count), name


def test_horizons_past_every_trace_have_no_score():
    assert [score.steps for score in score_horizons(outcomes(10))] == [1, 5]
    assert score_horizons([]) == []


def test_outcomes_of_several_traces_are_scored_together():
    parts = [outcomes(20), outcomes(40)]
    together = score_horizons(parts[0] + parts[1])
    assert [score.count for score in together] == [18 + 38, 14 + 34, 4 + 24]
    assert all(first.count > then.count for first, then in pairwise(together))
