"""Changes are detected and dated, stationary links raise no alarm, and alarms end."""

import math

import numpy as np
import pytest

from pba.errors import InvalidInput
from pba.evaluation.metrics import in_band
from pba.monitoring.drift import SETTLED, Alarm, AlarmStage, Change, WatchedStream
from tests.monitoring.drift.series import SECOND, feed, new_table, noise

BEFORE, RUNS = 300, 40


def shifted(seed: int, samples: int = BEFORE + 60, spread: float = 0.1, phi: float = 0.0):
    level = np.where(np.arange(samples) >= BEFORE, 60.0, 100.0)[:, None]
    return level * np.exp(spread * noise(seed, samples, RUNS, phi))


def noisier(seed: int, samples: int = BEFORE + 60, spread: float = 0.05):
    times = np.where(np.arange(samples) >= BEFORE, 3.0, 1.0)[:, None]
    return 100.0 * np.exp(spread * times * noise(seed, samples, RUNS))


def changes(alarms: list[tuple[int, Alarm]], what: WatchedStream) -> dict[int, Change]:
    """Return the first change of this stream of each row after the change of the series."""
    first: dict[int, Change] = {}
    for row, alarm in alarms:
        for one in alarm.changes:
            if one.what is what and one.flagged_s >= BEFORE:
                first.setdefault(row, one)
    return first


@pytest.mark.parametrize(("spread", "phi"), [(0.02, 0.0), (0.1, 0.5), (0.3, 0.0)])
def test_a_lower_level_is_detected_within_60_samples_and_dated(spread: float, phi: float):
    detected = changes(
        feed(new_table(RUNS), shifted(1, spread=spread, phi=phi)), WatchedStream.LEVEL
    )
    assert len(detected) >= 0.95 * RUNS
    assert np.median([abs(one.since_s - BEFORE) for one in detected.values()]) <= 4
    for level in detected.values():
        assert abs(level.since_s - BEFORE) <= 15
        assert BEFORE <= level.flagged_s < BEFORE + 60
        assert 1.3 < level.before / level.after < 2.4
        assert 0.99 <= level.confidence <= 1.0


@pytest.mark.parametrize("spread", [0.02, 0.1, 0.3])
def test_three_times_the_noise_is_detected_within_60_samples(spread: float):
    detected = changes(feed(new_table(RUNS), noisier(2, spread=spread)), WatchedStream.ERROR)
    assert len(detected) >= 0.95 * RUNS
    for error in detected.values():
        assert abs(error.since_s - BEFORE) <= 20
        assert error.after > 1.8 * error.before


def test_more_noise_is_reported_as_relative_error_and_as_hits():
    alarms = feed(new_table(RUNS), noisier(1, BEFORE + 200, spread=0.08))
    errors, hits = changes(alarms, WatchedStream.ERROR), changes(alarms, WatchedStream.HITS)
    assert len(errors) >= 0.95 * RUNS
    assert len(hits) >= 0.8 * RUNS
    error = np.median([(one.before, one.after) for one in errors.values()], axis=0)
    share = np.median([(one.before, one.after) for one in hits.values()], axis=0)
    assert 0.05 < error[0] < 0.12
    assert 0.15 < error[1] < 0.4
    assert share[0] > 0.85 > 0.7 > share[1]


def test_forecasts_that_become_20_percent_too_high_are_a_bias():
    rng, table, alarms = np.random.default_rng(0), new_table(1), []
    for second in range(400):
        actual = np.array([100.0 * math.exp(0.05 * rng.standard_normal())])
        forecast = np.array([120.0 if second >= BEFORE else 100.0])
        hit = in_band(forecast, actual)
        alarms += table.advance([0], [second * SECOND], actual, forecast, hit)
    bias = changes(alarms, WatchedStream.BIAS)[0]
    assert (bias.before, bias.after) == pytest.approx((1.0, 1.2), rel=0.05)


@pytest.mark.parametrize(("spread", "phi"), [(0.02, 0.5), (0.1, 0.0), (0.3, 0.5)])
def test_a_stationary_link_raises_at_most_one_alarm_in_10000_outcomes(spread: float, phi: float):
    alarms = feed(new_table(45), 100.0 * np.exp(spread * noise(3, 1000, 45, phi)))
    assert sum(alarm.stage is AlarmStage.OPENED for _, alarm in alarms) <= 4


def test_a_small_change_is_ignored():
    level = np.where(np.arange(1000) >= BEFORE, 95.0, 100.0)[:, None]
    assert feed(new_table(1), level * np.exp(0.005 * noise(0, 1000))) == []


def test_an_alarm_opens_once_and_ends_when_the_link_has_settled():
    table = new_table(RUNS)
    alarms = [alarm for row, alarm in feed(table, shifted(0, BEFORE + 500)) if row == 0]
    ended = [one for one in alarms if one.stage is AlarmStage.ENDED]
    assert [one.stage for one in alarms].count(AlarmStage.OPENED) == len(ended) == 1
    assert ended[0] is alarms[-1]
    assert ended[0].ended_s == ended[0].flagged_s + SETTLED
    assert (ended[0].opened_s, ended[0].changes) == (alarms[0].opened_s, alarms[-2].changes)
    assert table.alarm(0) is None


def test_an_alarm_stays_open_while_the_link_keeps_changing():
    level = np.array([100.0, 50.0, 100.0, 50.0, 100.0]).repeat(100)[:, None]
    table = new_table(1)
    alarms = [alarm for _, alarm in feed(table, level * np.exp(0.05 * noise(0, 500)))]
    assert [one.stage for one in alarms[:4]] == [AlarmStage.OPENED, *[AlarmStage.CHANGED] * 3]
    assert table.alarm(0) == alarms[-1]
    assert {one.opened_s for one in alarms} == {alarms[0].flagged_s}
    assert alarms[-1].since_s <= alarms[-1].flagged_s <= 500


def test_an_outage_is_a_change_of_level_and_its_end_another():
    rate = 100.0 * np.exp(0.05 * noise(0, 600))
    rate[300:400] = 0.0
    levels = [
        one
        for _, alarm in feed(new_table(1), rate)
        for one in alarm.changes
        if one.what is WatchedStream.LEVEL
    ]
    assert levels[0].after < 30.0
    assert levels[-1].after > 50.0
    assert all(math.isfinite(one.before) and math.isfinite(one.after) for one in levels)


def test_a_link_without_any_bandwidth_raises_no_alarm():
    assert feed(new_table(1), np.zeros((1000, 1))) == []


def test_single_outages_neither_raise_alarms_nor_hide_a_change():
    level = np.where(np.arange(1060) >= 1000, 60.0, 100.0)[:, None]
    rate = level * np.exp(0.1 * noise(4, 1060))
    rate[:1000][np.random.default_rng(4).random(1000) < 0.01] = 0.0
    alarms = feed(new_table(1), rate)
    assert alarms[0][1].opened_s >= 1000


@pytest.mark.parametrize("rate", [-1.0, math.nan, math.inf])
def test_a_negative_or_infinite_rate_is_refused(rate: float):
    wrong, right = np.array([rate]), np.array([1.0])
    with pytest.raises(InvalidInput, match="finite and at least 0"):
        new_table(1).advance([0], [0], wrong, right, [True])
    with pytest.raises(InvalidInput, match="finite and at least 0"):
        new_table(1).advance([0], [0], right, wrong, [True])
