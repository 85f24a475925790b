"""A mode's stream is about what forecasts say of themselves, whoever they are of."""

from dataclasses import replace
from math import log
from statistics import NormalDist

import numpy as np
import pytest

from pba.monitoring.drift import Alarm, AlarmStage, ModeDriftDetector, ModeOutcome, WatchedStream

BEFORE = 1000


def said(at_s: float, error: float, spread: float) -> ModeOutcome:
    """A forecast of 100 Mbps, off by ``error`` in the logarithm, that said ``spread``."""
    of, actual = NormalDist(0.0, spread), 100.0 * np.exp(-error)
    low, high = (100.0 * np.exp(of.inv_cdf(share)) for share in (0.25, 0.75))
    sure = of.cdf(log(1.2)) - of.cdf(log(0.8))
    return ModeOutcome(at_s, actual, 100.0, low, high, sure, abs(100.0 - actual) <= 0.2 * actual)


def pool(
    seed: int, count: int, turn: int, times: float = 1.0, more: float = 0.0
) -> list[ModeOutcome]:
    """Outcomes of ten links, ``turn`` of each at a time; changed from ``BEFORE`` on."""
    rng = np.random.default_rng(seed)
    spread = np.array([0.03, 0.4] * 5)[np.arange(count) // turn % 10]
    late = np.arange(count) >= BEFORE
    error = rng.standard_normal(count) * spread * np.where(late, times, 1.0) + late * more
    return [
        said(float(at), *row) for at, row in enumerate(zip(error.tolist(), spread, strict=True))
    ]


def feed(detector: ModeDriftDetector, outcomes: list[ModeOutcome]) -> list[Alarm]:
    return [told for one in outcomes if (told := detector.update(one))]


@pytest.mark.parametrize("turn", [1, 20, 100])
def test_calm_and_wild_links_in_turn_are_no_change(turn: int):
    assert feed(ModeDriftDetector(), pool(1, 6000, turn)) == []


@pytest.mark.parametrize("turn", [1, 20])
@pytest.mark.parametrize(
    ("times", "more", "what"),
    [(2.0, 0.0, WatchedStream.ERROR), (1.0, log(1.2), WatchedStream.BIAS)],
)
def test_what_befalls_all_links_is_flagged_and_dated(
    turn: int, times: float, more: float, what: WatchedStream
):
    for seed in range(5):
        detector = ModeDriftDetector()
        told = feed(detector, pool(seed, BEFORE + 300, turn, times, more))
        assert told[0].stage is AlarmStage.OPENED
        assert detector.alarm
        change = next(one for one in detector.alarm.changes if one.what is what)
        assert abs(change.since_s - BEFORE) <= 40
        assert change.after > change.before + 0.25


def test_an_alarm_stays_open_for_ten_minutes_however_many_outcomes_come():
    outcomes = pool(2, BEFORE + 1000, 1, times=3.0)
    detector = ModeDriftDetector()
    told = feed(detector, outcomes)
    assert told[-1].stage is AlarmStage.ENDED
    assert told[-1].ended_s == told[-1].flagged_s + 600


def test_late_outcomes_do_not_turn_the_clock_back():
    outcomes = pool(3, BEFORE + 200, 1, times=3.0)
    late = [
        replace(one, timestamp_s=one.timestamp_s - 500.0 * (at % 2))
        for at, one in enumerate(outcomes)
    ]
    changes = feed(ModeDriftDetector(), late)[-1].changes
    assert all(BEFORE - 40 <= one.since_s <= one.flagged_s for one in changes)
