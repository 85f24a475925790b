"""A replay knows only the past, and its scores are those of a plain loop."""

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
from pba.serving.local_service import LocalService
from pba.telemetry.traces import Trace
from pba.types import HORIZONS, QUANTILES, Forecast, History, NetworkMode

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SERVICE = LocalService({}, clock=lambda: NOW)


def trace(count: int) -> Trace:
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0] = 100.0 * np.exp(np.random.default_rng(4).normal(0.0, 0.2, count))
    return Trace("t", "test", 1e9 + np.arange(float(count)), telemetry)


async def ask(history: History) -> Forecast:
    return SERVICE.forecast(history)


async def lived(
    given: Trace, *asks: ForecastFunction, **options: object
) -> list[tuple[ReplayOutcome, ...]]:
    return [turn async for turn in replay_trace(given, asks or [ask], **options)]


def outcomes(count: int, limit: int | None = None) -> list[ReplayOutcome]:
    return [only for (only,) in asyncio.run(lived(trace(count), limit=limit))]


async def test_each_forecast_knows_the_samples_up_to_its_own_and_no_more_than_60():
    calls: list[tuple[str, History]] = []

    def noted(name: str) -> ForecastFunction:
        async def told(history: History) -> Forecast:
            calls.append((name, history))
            return SERVICE.forecast(history)

        return told

    given = trace(80)
    turns = await lived(given, noted("first"), noted("second"), report=noted("report"))
    assert [name for name, _ in calls] == ["report", "first", "second"] * 78 + ["report"]
    assert [len(history) for _, history in calls[::3]] == [min(end, 60) for end in range(2, 81)]
    for at, (_, history) in enumerate(calls):
        assert history.timestamps_s[-1] == given.timestamps_s[1 + at // 3]
    assert {len(turn) for turn in turns} == {2}


def test_an_outcome_is_held_against_what_came_1_5_and_15_steps_later():
    given = trace(30)
    for end, outcome in enumerate(outcomes(30), start=2):
        assert outcome.timestamp_s == given.timestamps_s[end - 1]
        assert outcome.last_mbps == given.telemetry[end - 1, 0]
        for steps, actual in zip(HORIZONS, outcome.actual_mbps, strict=True):
            if end - 1 + steps < 30:
                assert actual == given.telemetry[end - 1 + steps, 0]
            else:
                assert math.isnan(actual)
        assert outcome.latency_ms > 0


def test_the_newest_sample_of_a_trace_has_no_future_and_no_forecast():
    assert len(outcomes(3)) == 1
    assert outcomes(2) == []


@pytest.mark.parametrize(("limit", "count"), [(1, 1), (7, 7), (1000, 28)])
def test_a_replay_can_be_cut_short(limit, count):
    assert len(outcomes(30, limit)) == count


async def test_a_replay_can_run_at_a_multiple_of_real_time(monkeypatch):
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("pba.evaluation.trace_replay.asyncio.sleep", sleep)
    await lived(trace(6), speed=4.0)
    assert slept == [0.25] * 4
    slept.clear()
    await lived(trace(6))
    assert slept == []


def test_a_trace_that_has_been_stays_and_one_to_come_moves_back_by_whole_seconds():
    given = trace(3)
    np.testing.assert_array_equal(shift_into_past(given, 2e9).timestamps_s, given.timestamps_s)
    moved = shift_into_past(replace(given, timestamps_s=given.timestamps_s + 0.25), 1e9)
    assert moved.timestamps_s.tolist() == [1e9 - 2.75, 1e9 - 1.75, 1e9 - 0.75]


def test_paths_agree_where_the_same_say_the_same():
    one = outcomes(3)[0].forecast
    first, *others = one.horizons
    surer = replace(one, horizons=(replace(first, confidence=first.confidence + 0.1), *others))
    off = replace(one, horizons=(replace(first, bandwidth_mbps=first.bandwidth_mbps + 1), *others))
    pairs = [
        (one, one),
        (one, surer),
        (one, off),
        (one, replace(one, mode=NetworkMode.HYBRID, source="ensemble")),
        (one, replace(one, source="expert")),
    ]
    found = compare_forecasts(pairs)
    assert (found.comparable, found.equal, found.different_mode, found.different_source) == (3, 2, 1, 1)
    assert found.confidence_change == pytest.approx((0.1 / 3, 0.1))


def test_scores_are_those_of_a_plain_loop():
    given = outcomes(120)
    for index, found in enumerate(score_horizons(given)):
        rows = [
            (outcome.forecast.horizons[index], outcome.actual_mbps[index], outcome.last_mbps)
            for outcome in given
            if not math.isnan(outcome.actual_mbps[index])
        ]
        count = len(rows)
        low, lower = QUANTILES.index(0.05), QUANTILES.index(0.25)
        high, upper = QUANTILES.index(0.95), QUANTILES.index(0.75)
        assert (found.steps, found.count) == (HORIZONS[index], count)
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
            assert getattr(found, name) == pytest.approx(total / count), name


def test_horizons_past_every_trace_have_no_score():
    assert [found.steps for found in score_horizons(outcomes(10))] == [1, 5]
    assert score_horizons([]) == []


def test_outcomes_of_several_traces_are_scored_together():
    parts = [outcomes(20), outcomes(40)]
    together = score_horizons(parts[0] + parts[1])
    assert [found.count for found in together] == [18 + 38, 14 + 34, 4 + 24]
    assert all(first.count > then.count for first, then in pairwise(together))
