"""The state of a link's drift detection: small, and all that another Monitor needs."""

import math

import numpy as np
import pytest

from pba.evaluation.metrics import in_band
from pba.monitoring.drift import Alarm, AlarmStage, Change, LinkDriftTable
from tests.monitoring.drift.series import SECOND, feed, new_table, noise

LINKS, SAMPLES = 12, 460


def changeable() -> np.ndarray:
    """Return links some of which change, and change back, at different times."""
    seconds = np.arange(SAMPLES)[:, None]
    late = seconds >= 200 + 4 * np.arange(LINKS)
    back = seconds >= 400
    level = np.where(late & ~back & (np.arange(LINKS) % 3 > 0), 40.0, 100.0)
    return level * np.exp(0.1 * noise(5, SAMPLES, LINKS, 0.5))


@pytest.mark.parametrize("every", [1, 50])
def test_a_detector_that_continues_from_bytes_reports_the_same_alarms(every: int):
    rate = changeable()
    expected = feed(new_table(LINKS), rate)
    states: list[bytes | None] = [None] * LINKS
    alarms = []
    for first in range(1, SAMPLES, every):
        table = LinkDriftTable.from_bytes(states)
        alarms += feed(table, rate[: first + every], first)
        states = [*table.to_bytes()]
    assert alarms == expected
    assert {AlarmStage.OPENED, AlarmStage.ENDED} <= {alarm.stage for _, alarm in alarms}


def test_a_state_is_at_most_a_kilobyte_with_its_alarm_and_smaller_without():
    table = new_table(2)
    rate = 100.0 * np.exp(0.1 * noise(6, 340, 2))
    rate[300:, 0] *= 0.5 * np.exp(0.9 * noise(7, 40)[:, 0])
    feed(table, rate)
    alarmed, calm = table.to_bytes()
    assert table.alarm_open().tolist() == [True, False]
    assert len(calm) < len(alarmed) <= 1000


def test_the_open_alarm_is_in_the_state():
    table = new_table(LINKS)
    newest = dict(feed(table, changeable()[:290]))
    assert len(newest) > 3
    again = LinkDriftTable.from_bytes(table.to_bytes())
    for row in range(LINKS):
        alarm = newest.get(row)
        still_open = alarm if alarm and alarm.stage is not AlarmStage.ENDED else None
        assert again.alarm(row) == table.alarm(row) == still_open


def test_the_size_of_an_alarm_is_that_of_its_largest_change():
    table = new_table(LINKS)
    feed(table, changeable()[:290])
    sizes = []
    for row in range(LINKS):
        alarm = table.alarm(row)
        changes = alarm.changes if alarm else ()
        sizes.append(max(map(_size, changes), default=0.0))
    assert table.sizes().tolist() == pytest.approx(sizes, abs=1e-4)
    assert 0.0 in sizes
    assert max(sizes) > 0.7, "a level that halves"


def _size(change: Change) -> float:
    if change.what in ("level", "bias"):
        return abs(math.log(change.after / change.before))
    return abs(change.after - change.before)


def test_many_outcomes_of_a_link_in_one_call_are_processed_in_order():
    rate = changeable()
    expected = feed(new_table(LINKS), rate)
    forecast, actual = rate[:-1].ravel(), rate[1:].ravel()
    rows = np.tile(np.arange(LINKS), SAMPLES - 1)
    at_us = np.repeat(np.arange(1, SAMPLES), LINKS) * SECOND
    order = np.argsort(rows, kind="stable")
    columns = (rows, at_us, actual, forecast, in_band(forecast, actual))
    at_once = new_table(LINKS).advance(*(column[order] for column in columns))
    assert sorted(at_once, key=moment) == sorted(expected, key=moment)


def moment(one: tuple[int, Alarm]) -> tuple[int, float]:
    row, alarm = one
    return row, alarm.ended_s or alarm.flagged_s


def test_outcomes_that_are_not_newer_are_ignored():
    rate = changeable()
    table, twice = new_table(LINKS), new_table(LINKS)
    expected = feed(table, rate)
    rows = np.repeat(np.arange(LINKS), 2)
    alarms = []
    for second in range(1, SAMPLES):
        forecast, actual = rate[second - 1].repeat(2), rate[second].repeat(2)
        forecast[1::2] *= 3.0  # another version's forecast of the same sample
        at_us = np.full(2 * LINKS, second * SECOND)
        alarms += twice.advance(rows, at_us, actual, forecast, in_band(forecast, actual))
    assert alarms == expected
    assert twice.to_bytes() == table.to_bytes()


def test_rows_without_outcomes_keep_their_state():
    table = new_table(2)
    feed(table, 100.0 * np.exp(0.1 * noise(8, 50, 2)))
    before = table.to_bytes()
    one = np.array([100.0])
    table.advance([1], [60 * SECOND], one, one, [True])
    after = table.to_bytes()
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_a_state_of_another_release_starts_anew():
    table = new_table(1)
    feed(table, 100.0 * np.exp(0.1 * noise(9, 50)))
    (state,) = table.to_bytes()
    foreign = LinkDriftTable.from_bytes([b"\xff" + state[1:]])
    assert foreign.to_bytes() == new_table(1).to_bytes()


def test_a_change_is_dated_to_within_a_block_when_samples_are_irregular():
    rng = np.random.default_rng(10)
    at_us = np.cumsum(rng.uniform(0.5, 3.0, 400) * SECOND).astype(np.int64)
    rate = np.where(np.arange(400) >= 330, 50.0, 100.0) * np.exp(0.02 * rng.standard_normal(400))
    hits = in_band(rate[:-1], rate[1:])
    (first, *_) = new_table(1).advance([0] * 399, at_us[1:], rate[1:], rate[:-1], hits)
    assert abs(first[1].since_s - at_us[330] / SECOND) <= 8 * 3.0
