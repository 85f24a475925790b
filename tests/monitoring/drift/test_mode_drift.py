"""A mode's streams are relative to each forecast's uncertainty, so the mix of links is no drift."""

from dataclasses import fields, replace
from math import log
from statistics import NormalDist

import numpy as np
import pytest

from pba.monitoring.drift import Alarm, AlarmStage, ModeDrift, WatchedStream
from pba.scoring.mode_outcomes import ModeOutcomes
from tests.monitoring.drift.series import SECOND

BEFORE = 1000


def pool(seed: int, count: int, turn: int, times: float = 1.0, more: float = 0.0) -> ModeOutcomes:
    """Return outcomes of ten links, ``turn`` of each at a time; from ``BEFORE`` on they change."""
    rng, normal = np.random.default_rng(seed), NormalDist()
    spread = np.array([0.03, 0.4] * 5)[np.arange(count) // turn % 10]
    late = np.arange(count) >= BEFORE
    error = rng.standard_normal(count) * spread * np.where(late, times, 1.0) + late * more
    actual, share_below = 100.0 * np.exp(-error), np.vectorize(normal.cdf, otypes=[float])
    return ModeOutcomes(
        created_us=np.arange(count) * SECOND,
        actual_mbps=actual,
        forecast_mbps=np.full(count, 100.0),
        low_mbps=100.0 * np.exp(normal.inv_cdf(0.25) * spread),
        high_mbps=100.0 * np.exp(normal.inv_cdf(0.75) * spread),
        confidence=share_below(log(1.2) / spread) - share_below(log(0.8) / spread),
        hit=np.abs(100.0 - actual) <= 0.2 * actual,
    )


def part(outcomes: ModeOutcomes, first: int, end: int) -> ModeOutcomes:
    return ModeOutcomes(*(getattr(outcomes, field.name)[first:end] for field in fields(outcomes)))


def feed(outcomes: ModeOutcomes) -> list[Alarm]:
    return ModeDrift.from_bytes(None).advance(outcomes)


@pytest.mark.parametrize("turn", [1, 20, 100])
def test_steady_and_volatile_links_in_turn_are_no_change(turn: int):
    assert feed(pool(1, 3000, turn)) == []


@pytest.mark.parametrize("turn", [1, 20])
@pytest.mark.parametrize(
    ("times", "more", "what"),
    [(2.0, 0.0, WatchedStream.ERROR), (1.0, log(1.2), WatchedStream.BIAS)],
)
def test_a_change_of_all_links_is_detected_and_dated(
    turn: int, times: float, more: float, what: WatchedStream
):
    for seed in range(3):
        drift = ModeDrift.from_bytes(None)
        alarms = drift.advance(pool(seed, BEFORE + 300, turn, times, more))
        assert alarms[0].stage is AlarmStage.OPENED
        assert drift.alarm
        change = next(one for one in drift.alarm.changes if one.what is what)
        assert abs(change.since_s - BEFORE) <= 60
        assert change.after > change.before + 0.25


def test_an_alarm_stays_open_for_ten_minutes_however_many_outcomes_come():
    (*_, ended) = feed(pool(2, BEFORE + 1000, 1, times=3.0))
    assert ended.stage is AlarmStage.ENDED
    assert ended.ended_s is not None
    assert 600 <= ended.ended_s - ended.flagged_s < 610, "a block of outcomes later at most"


def test_late_outcomes_do_not_set_the_clock_back():
    outcomes = pool(3, BEFORE + 200, 1, times=3.0)
    late_us = outcomes.created_us - 500 * SECOND * (np.arange(len(outcomes)) % 2)
    changes = feed(replace(outcomes, created_us=late_us))[-1].changes
    assert all(BEFORE - 60 <= one.since_s <= one.flagged_s for one in changes)


@pytest.mark.parametrize("batch", [7, 300])
def test_a_detector_that_continues_from_bytes_reports_the_same_alarms(batch: int):
    outcomes = pool(4, BEFORE + 900, 5, times=2.5)
    expected = feed(outcomes)
    alarms, state = list[Alarm](), None
    for first in range(0, len(outcomes), batch):
        drift = ModeDrift.from_bytes(state)
        alarms += drift.advance(part(outcomes, first, first + batch))
        state = drift.to_bytes()
    assert alarms == expected != []
    assert alarms[-1].stage is AlarmStage.ENDED


def test_a_batch_without_outcomes_changes_nothing():
    drift = ModeDrift.from_bytes(None)
    drift.advance(pool(5, 203, 1))
    state = drift.to_bytes()
    assert drift.advance(pool(5, 0, 1)) == []
    assert drift.to_bytes() == state


def test_a_busy_mode_is_dated_to_a_tenth_of_a_second():
    outcomes = pool(6, 4000, 1)
    late = pool(6, BEFORE + 3000, 1, times=2.0)
    columns = (
        np.concatenate([getattr(outcomes, field.name)[:3000], getattr(late, field.name)[BEFORE:]])
        for field in fields(outcomes)
    )
    busy = replace(ModeOutcomes(*columns), created_us=np.arange(6000) * 1000)  # 1000 a second
    (alarm, *_) = feed(busy)
    assert alarm.since_s == pytest.approx(3.0, abs=0.2)
    assert alarm.flagged_s < 4.0


def test_a_state_of_another_release_starts_anew():
    drift = ModeDrift.from_bytes(None)
    drift.advance(pool(7, 100, 1))
    foreign = ModeDrift.from_bytes(b"\xff" + drift.to_bytes()[1:])
    assert foreign.to_bytes() == ModeDrift.from_bytes(None).to_bytes()
