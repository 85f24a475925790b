"""A replay knows only the past, and its scores are those of a plain loop."""

import math
import time
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest

from pba.local import LocalService
from pba.replay import Outcome, live, score
from pba.traces import Trace
from pba.types import HORIZONS, QUANTILES, Forecast, History

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SERVICE = LocalService({}, clock=lambda: NOW)


def trace(count: int) -> Trace:
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0] = 100.0 * np.exp(np.random.default_rng(4).normal(0.0, 0.2, count))
    return Trace("t", "test", 1e9 + np.arange(float(count)), telemetry)


def outcomes(count: int, limit: int | None = None) -> list[Outcome]:
    return list(live(trace(count), SERVICE.forecast, limit=limit))


def test_each_forecast_knows_the_samples_up_to_its_own_and_no_more_than_60():
    asked: list[History] = []

    def ask(history: History) -> Forecast:
        asked.append(history)
        return SERVICE.forecast(history)

    given = trace(80)
    list(live(given, ask))
    assert [len(history) for history in asked] == [min(end, 60) for end in range(2, 80)]
    for end, history in enumerate(asked, start=2):
        assert history.timestamps_s[-1] == given.timestamps_s[end - 1]


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


def test_a_replay_can_run_at_a_multiple_of_real_time(monkeypatch):
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    given = trace(6)
    list(live(given, SERVICE.forecast, speed=4.0))
    assert slept == [0.25] * 4
    slept.clear()
    list(live(given, SERVICE.forecast))
    assert slept == []


def test_scores_are_those_of_a_plain_loop():
    given = outcomes(120)
    for index, found in enumerate(score(given)):
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
    assert [found.steps for found in score(outcomes(10))] == [1, 5]
    assert score([]) == []


def test_outcomes_of_several_traces_are_scored_together():
    parts = [outcomes(20), outcomes(40)]
    together = score(parts[0] + parts[1])
    assert [found.count for found in together] == [18 + 38, 14 + 34, 4 + 24]
    assert all(first.count > then.count for first, then in pairwise(together))
