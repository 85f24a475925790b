"""Changes are detected and dated, stationary links raise no alarm, and alarms end."""

import math
from collections.abc import Iterable

import numpy as np
import pytest

from pba.errors import InvalidInput
from pba.evaluation.metrics import in_band
from pba.monitoring.drift import (
    SETTLED,
    Alarm,
    AlarmStage,
    Change,
    DriftDetector,
    LinkOutcome,
    WatchedStream,
)

BEFORE = 300


def noise(seed: int, samples: int, phi: float = 0.0) -> np.ndarray:
    """Return a standard normal AR(1) series with coefficient ``phi``."""
    values = np.random.default_rng(seed).standard_normal(samples)
    for at in range(1, samples):
        values[at] = phi * values[at - 1] + math.sqrt(1.0 - phi**2) * values[at]
    return values


def scored(rate_mbps: np.ndarray) -> list[LinkOutcome]:
    """Return the outcomes of last-value forecasts; one sample a second, the first has none."""
    forecast, actual = rate_mbps[:-1], rate_mbps[1:]
    hits = in_band(forecast, actual)
    rows = zip(actual.tolist(), forecast.tolist(), hits.tolist(), strict=True)
    return [LinkOutcome(float(at), *row) for at, row in enumerate(rows, start=1)]


def feed(detector: DriftDetector, outcomes: Iterable[LinkOutcome]) -> list[Alarm]:
    return [alarm for outcome in outcomes if (alarm := detector.update(outcome))]


def shifted(seed: int, samples: int = BEFORE + 60, spread: float = 0.1, phi: float = 0.0):
    level = np.where(np.arange(samples) >= BEFORE, 60.0, 100.0)
    return scored(level * np.exp(spread * noise(seed, samples, phi)))


def noisier(seed: int, samples: int = BEFORE + 60, spread: float = 0.05):
    times = np.where(np.arange(samples) >= BEFORE, 3.0, 1.0)
    return scored(100.0 * np.exp(spread * times * noise(seed, samples)))


def change(alarm: Alarm, what: WatchedStream) -> Change:
    return next(one for one in alarm.changes if one.what is what)


@pytest.mark.parametrize(("spread", "phi"), [(0.02, 0.0), (0.1, 0.5), (0.3, 0.0)])
def test_a_lower_level_is_detected_within_60_samples_and_dated(spread: float, phi: float):
    for seed in range(10):
        (alarm, *_) = feed(DriftDetector(), shifted(seed, spread=spread, phi=phi))
        level = change(alarm, WatchedStream.LEVEL)
        assert alarm.stage is AlarmStage.OPENED
        assert abs(level.since_s - BEFORE) <= 10
        assert BEFORE <= level.flagged_s < BEFORE + 60
        assert 1.3 < level.before / level.after < 2.4
        assert 0.99 <= level.confidence <= 1.0


@pytest.mark.parametrize("spread", [0.02, 0.1, 0.3])
def test_three_times_the_noise_is_detected_within_60_samples(spread: float):
    for seed in range(10):
        alarms = feed(DriftDetector(), noisier(seed, spread=spread))
        error = change(alarms[-1], WatchedStream.ERROR)
        assert abs(error.since_s - BEFORE) <= 20
        assert error.after > 1.8 * error.before


def test_more_noise_is_reported_as_relative_error_and_as_hits():
    alarms = feed(DriftDetector(), noisier(1, BEFORE + 200, spread=0.08))
    error, hits = change(alarms[-1], WatchedStream.ERROR), change(alarms[-1], WatchedStream.HITS)
    assert 0.05 < error.before < 0.12
    assert 0.15 < error.after < 0.4
    assert hits.before > 0.85 > 0.7 > hits.after


def test_forecasts_that_become_20_percent_too_high_are_a_bias():
    rng = np.random.default_rng(0)
    actual = 100.0 * np.exp(0.05 * rng.standard_normal(400))
    forecast = np.where(np.arange(400) >= BEFORE, 120.0, 100.0)
    hits = in_band(forecast, actual)
    alarms = feed(
        DriftDetector(),
        (LinkOutcome(at, *row) for at, row in enumerate(zip(actual, forecast, hits, strict=True))),
    )
    bias = change(alarms[-1], WatchedStream.BIAS)
    assert (bias.before, bias.after) == pytest.approx((1.0, 1.2), rel=0.03)


@pytest.mark.parametrize(("spread", "phi"), [(0.02, 0.5), (0.1, 0.0), (0.3, 0.5)])
def test_a_stationary_link_raises_no_alarm(spread: float, phi: float):
    assert feed(DriftDetector(), scored(100.0 * np.exp(spread * noise(3, 6000, phi)))) == []


def test_a_small_change_is_ignored():
    level = np.where(np.arange(1000) >= BEFORE, 95.0, 100.0)
    assert feed(DriftDetector(), scored(level * np.exp(0.005 * noise(0, 1000)))) == []


def test_an_alarm_opens_once_and_ends_when_the_link_has_settled():
    detector = DriftDetector()
    alarms = feed(detector, shifted(0, BEFORE + 500))
    ended = [one for one in alarms if one.stage is AlarmStage.ENDED]
    assert [one.stage for one in alarms].count(AlarmStage.OPENED) == len(ended) == 1
    assert ended[0] is alarms[-1]
    assert ended[0].ended_s == ended[0].flagged_s + SETTLED
    assert (ended[0].opened_s, ended[0].changes) == (alarms[0].opened_s, alarms[-2].changes)
    assert detector.alarm is None


def test_an_alarm_stays_open_while_the_link_keeps_changing():
    level = np.array([100.0, 50.0, 100.0, 50.0, 100.0]).repeat(100)
    detector = DriftDetector()
    alarms = feed(detector, scored(level * np.exp(0.05 * noise(0, 500))))
    assert [one.stage for one in alarms[:4]] == [AlarmStage.OPENED, *[AlarmStage.CHANGED] * 3]
    assert detector.alarm == alarms[-1]
    assert {one.opened_s for one in alarms} == {alarms[0].flagged_s}
    assert alarms[-1].since_s <= alarms[-1].flagged_s <= 500


def test_an_outage_is_a_change_of_level_and_its_end_another():
    rate = 100.0 * np.exp(0.05 * noise(0, 600))
    rate[300:400] = 0.0
    alarms = [change(one, WatchedStream.LEVEL) for one in feed(DriftDetector(), scored(rate))]
    assert alarms[0].after < 30.0
    assert alarms[-1].after > 50.0
    assert all(math.isfinite(one.before) and math.isfinite(one.after) for one in alarms)


def test_a_link_without_any_bandwidth_raises_no_alarm():
    assert feed(DriftDetector(), scored(np.zeros(1000))) == []


def test_single_outages_neither_raise_alarms_nor_hide_a_change():
    rng = np.random.default_rng(4)
    rate = np.where(np.arange(1060) >= 1000, 60.0, 100.0) * np.exp(0.1 * noise(4, 1060))
    rate[:1000][rng.random(1000) < 0.01] = 0.0
    alarms = feed(DriftDetector(), scored(rate))
    assert alarms[0].opened_s >= 1000


def test_the_same_outcomes_raise_the_same_alarms():
    outcomes = shifted(7, 800)
    assert feed(DriftDetector(), outcomes) == feed(DriftDetector(), outcomes) != []


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kept", [100, 250, 400])
def test_a_rebuilt_detector_reports_no_alarm_again(seed: int, kept: int):
    outcomes = shifted(seed, 900, phi=0.5)
    whole = DriftDetector()
    alarms = feed(whole, outcomes[:380])
    assert whole.alarm
    rebuilt = DriftDetector(last=alarms[-1])
    assert feed(rebuilt, outcomes[max(0, 380 - kept) : 380]) == []
    assert rebuilt.alarm == whole.alarm
    ends = [feed(one, outcomes[380:])[-1] for one in (whole, rebuilt)]
    assert ends[0] == ends[1]
    assert feed(DriftDetector(last=ends[0]), outcomes) == []


def test_a_rebuilt_detector_reports_changes_that_no_detector_saw():
    rate = np.array([100.0] * 300 + [50.0] * 300 + [20.0] * 60) * np.exp(0.05 * noise(1, 660))
    outcomes = scored(rate)
    alarms = feed(DriftDetector(), outcomes[:340])
    news = feed(DriftDetector(last=alarms[-1]), outcomes[200:])
    assert [one.stage for one in news] == [AlarmStage.ENDED, AlarmStage.OPENED]
    assert abs(change(news[-1], WatchedStream.LEVEL).since_s - 600) <= 5


@pytest.mark.parametrize("rate", [-1.0, math.nan, math.inf])
def test_a_negative_or_infinite_rate_is_refused(rate: float):
    with pytest.raises(InvalidInput, match="finite and at least 0"):
        LinkOutcome(0.0, rate, 1.0, hit=True)
    with pytest.raises(InvalidInput, match="finite and at least 0"):
        LinkOutcome(0.0, 1.0, rate, hit=True)
