"""A mode's streams are relative to each forecast's uncertainty, so the mix of links is no drift."""

from dataclasses import replace
from math import log
from statistics import NormalDist

import numpy as np
import pytest

from pba.monitoring.drift import Alarm, AlarmStage, ModeDriftDetector, ModeOutcome, WatchedStream

BEFORE = 1000


def outcome(at_s: float, error: float, spread: float) -> ModeOutcome:
    """Return a forecast of 100 Mbps with this error and predicted spread, in the logarithm."""
    normal, actual = NormalDist(0.0, spread), 100.0 * np.exp(-error)
    low, high = (100.0 * np.exp(normal.inv_cdf(share)) for share in (0.25, 0.75))
    confidence = normal.cdf(log(1.2)) - normal.cdf(log(0.8))
    hit = abs(100.0 - actual) <= 0.2 * actual
    return ModeOutcome(at_s, actual, 100.0, low, high, confidence, hit)


def pool(
    seed: int, count: int, turn: int, times: float = 1.0, more: float = 0.0
) -> list[ModeOutcome]:
    """Return outcomes of ten links, ``turn`` of each at a time; from ``BEFORE`` on they change."""
    rng = np.random.default_rng(seed)
    spread = np.array([0.03, 0.4] * 5)[np.arange(count) // turn % 10]
    late = np.arange(count) >= BEFORE
    error = rng.standard_normal(count) * spread * np.where(late, times, 1.0) + late * more
    return [
        outcome(float(at), *row) for at, row in enumerate(zip(error.tolist(), spread, strict=True))
    ]


def feed(detector: ModeDriftDetector, outcomes: list[ModeOutcome]) -> list[Alarm]:
    return [alarm for one in outcomes if (alarm := detector.update(one))]


@pytest.mark.parametrize("turn", [1, 20, 100])
def test_steady_and_volatile_links_in_turn_are_no_change(turn: int):
    assert feed(ModeDriftDetector(), pool(1, 6000, turn)) == []


@pytest.mark.parametrize("turn", [1, 20])
@pytest.mark.parametrize(
    ("times", "more", "what"),
    [(2.0, 0.0, WatchedStream.ERROR), (1.0, log(1.2), WatchedStream.BIAS)],
)
def test_a_change_of_all_links_is_detected_and_dated(
    turn: int, times: float, more: float, what: WatchedStream
):
    for seed in range(5):
        detector = ModeDriftDetector()
        alarms = feed(detector, pool(seed, BEFORE + 300, turn, times, more))
        assert alarms[0].stage is AlarmStage.OPENED
        assert detector.alarm
        change = next(one for one in detector.alarm.changes if one.what is what)
        assert abs(change.since_s - BEFORE) <= 40
        assert change.after > change.before + 0.25


def test_an_alarm_stays_open_for_ten_minutes_however_many_outcomes_come():
    outcomes = pool(2, BEFORE + 1000, 1, times=3.0)
    detector = ModeDriftDetector()
    alarms = feed(detector, outcomes)
    assert alarms[-1].stage is AlarmStage.ENDED
    assert alarms[-1].ended_s == alarms[-1].flagged_s + 600


def test_late_outcomes_do_not_set_the_clock_back():
    outcomes = pool(3, BEFORE + 200, 1, times=3.0)
    late = [
        replace(one, timestamp_s=one.timestamp_s - 500.0 * (at % 2))
        for at, one in enumerate(outcomes)
    ]
    changes = feed(ModeDriftDetector(), late)[-1].changes
    assert all(BEFORE - 40 <= one.since_s <= one.flagged_s for one in changes)
