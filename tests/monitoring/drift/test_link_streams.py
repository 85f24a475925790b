"""Planted changes are flagged and dated, steady streams are left alone, and alarms end."""

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
    drawn = np.random.default_rng(seed).standard_normal(samples)
    for at in range(1, samples):
        drawn[at] = phi * drawn[at - 1] + math.sqrt(1.0 - phi**2) * drawn[at]
    return drawn


def scored(rate_mbps: np.ndarray) -> list[LinkOutcome]:
    """Forecasts are the last value; one sample a second, the first unscored."""
    forecast, actual = rate_mbps[:-1], rate_mbps[1:]
    hits = in_band(forecast, actual)
    rows = zip(actual.tolist(), forecast.tolist(), hits.tolist(), strict=True)
    return [LinkOutcome(float(at), *row) for at, row in enumerate(rows, start=1)]


def feed(detector: DriftDetector, outcomes: Iterable[LinkOutcome]) -> list[Alarm]:
    return [told for outcome in outcomes if (told := detector.update(outcome))]


def shifted(seed: int, samples: int = BEFORE + 60, spread: float = 0.1, phi: float = 0.0):
    level = np.where(np.arange(samples) >= BEFORE, 60.0, 100.0)
    return scored(level * np.exp(spread * noise(seed, samples, phi)))


def wilder(seed: int, samples: int = BEFORE + 60, spread: float = 0.05):
    times = np.where(np.arange(samples) >= BEFORE, 3.0, 1.0)
    return scored(100.0 * np.exp(spread * times * noise(seed, samples)))


def change(told: Alarm, what: WatchedStream) -> Change:
    return next(one for one in told.changes if one.what is what)


@pytest.mark.parametrize(("spread", "phi"), [(0.02, 0.0), (0.1, 0.5), (0.3, 0.0)])
def test_a_lower_level_is_flagged_within_60_samples_and_dated(spread: float, phi: float):
    for seed in range(10):
        (told, *_) = feed(DriftDetector(), shifted(seed, spread=spread, phi=phi))
        level = change(told, WatchedStream.LEVEL)
        assert told.stage is AlarmStage.OPENED
        assert abs(level.since_s - BEFORE) <= 10
        assert BEFORE <= level.flagged_s < BEFORE + 60
        assert 1.3 < level.before / level.after < 2.4
        assert 0.99 <= level.confidence <= 1.0


@pytest.mark.parametrize("spread", [0.02, 0.1, 0.3])
def test_three_times_the_noise_is_flagged_within_60_samples(spread: float):
    for seed in range(10):
        told = feed(DriftDetector(), wilder(seed, spread=spread))
        error = change(told[-1], WatchedStream.ERROR)
        assert abs(error.since_s - BEFORE) <= 20
        assert error.after > 1.8 * error.before


def test_errors_are_told_as_shares_and_hits_too():
    told = feed(DriftDetector(), wilder(1, BEFORE + 200, spread=0.08))
    error, hits = change(told[-1], WatchedStream.ERROR), change(told[-1], WatchedStream.HITS)
    assert 0.05 < error.before < 0.12
    assert 0.15 < error.after < 0.4
    assert hits.before > 0.85 > 0.7 > hits.after


def test_forecasts_that_become_20_percent_too_high_are_a_bias():
    rng = np.random.default_rng(0)
    actual = 100.0 * np.exp(0.05 * rng.standard_normal(400))
    forecast = np.where(np.arange(400) >= BEFORE, 120.0, 100.0)
    hits = in_band(forecast, actual)
    told = feed(
        DriftDetector(),
        (LinkOutcome(at, *row) for at, row in enumerate(zip(actual, forecast, hits, strict=True))),
    )
    bias = change(told[-1], WatchedStream.BIAS)
    assert (bias.before, bias.after) == pytest.approx((1.0, 1.2), rel=0.03)


@pytest.mark.parametrize(("spread", "phi"), [(0.02, 0.5), (0.1, 0.0), (0.3, 0.5)])
def test_a_steady_link_raises_no_alarm(spread: float, phi: float):
    assert feed(DriftDetector(), scored(100.0 * np.exp(spread * noise(3, 6000, phi)))) == []


def test_a_change_too_small_to_matter_is_passed_over():
    level = np.where(np.arange(1000) >= BEFORE, 95.0, 100.0)
    assert feed(DriftDetector(), scored(level * np.exp(0.005 * noise(0, 1000)))) == []


def test_an_alarm_ends_once_the_link_has_settled_and_is_told_once():
    detector = DriftDetector()
    told = feed(detector, shifted(0, BEFORE + 500))
    ended = [one for one in told if one.stage is AlarmStage.ENDED]
    assert [one.stage for one in told].count(AlarmStage.OPENED) == len(ended) == 1
    assert ended[0] is told[-1]
    assert ended[0].ended_s == ended[0].flagged_s + SETTLED
    assert (ended[0].opened_s, ended[0].changes) == (told[0].opened_s, told[-2].changes)
    assert detector.alarm is None


def test_an_alarm_stays_open_while_the_link_goes_on_changing():
    level = np.array([100.0, 50.0, 100.0, 50.0, 100.0]).repeat(100)
    detector = DriftDetector()
    told = feed(detector, scored(level * np.exp(0.05 * noise(0, 500))))
    assert [one.stage for one in told[:4]] == [AlarmStage.OPENED, *[AlarmStage.CHANGED] * 3]
    assert detector.alarm == told[-1]
    assert {one.opened_s for one in told} == {told[0].flagged_s}
    assert told[-1].since_s <= told[-1].flagged_s <= 500


def test_an_outage_is_a_change_of_level_and_its_end_another():
    rate = 100.0 * np.exp(0.05 * noise(0, 600))
    rate[300:400] = 0.0
    told = [change(one, WatchedStream.LEVEL) for one in feed(DriftDetector(), scored(rate))]
    assert told[0].after < 30.0
    assert told[-1].after > 50.0
    assert all(math.isfinite(one.before) and math.isfinite(one.after) for one in told)


def test_a_link_without_any_bandwidth_is_steady():
    assert feed(DriftDetector(), scored(np.zeros(1000))) == []


def test_single_outages_neither_raise_alarms_nor_hide_a_change():
    rng = np.random.default_rng(4)
    rate = np.where(np.arange(1060) >= 1000, 60.0, 100.0) * np.exp(0.1 * noise(4, 1060))
    rate[:1000][rng.random(1000) < 0.01] = 0.0
    told = feed(DriftDetector(), scored(rate))
    assert told[0].opened_s >= 1000


def test_the_same_outcomes_raise_the_same_alarms():
    outcomes = shifted(7, 800)
    assert feed(DriftDetector(), outcomes) == feed(DriftDetector(), outcomes) != []


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kept", [100, 250, 400])
def test_a_rebuilt_detector_tells_nothing_anew(seed: int, kept: int):
    outcomes = shifted(seed, 900, phi=0.5)
    whole = DriftDetector()
    told = feed(whole, outcomes[:380])
    assert whole.alarm
    rebuilt = DriftDetector(last=told[-1])
    assert feed(rebuilt, outcomes[max(0, 380 - kept) : 380]) == []
    assert rebuilt.alarm == whole.alarm
    ends = [feed(one, outcomes[380:])[-1] for one in (whole, rebuilt)]
    assert ends[0] == ends[1]
    assert feed(DriftDetector(last=ends[0]), outcomes) == []


def test_a_rebuilt_detector_tells_what_happened_while_none_was_there():
    rate = np.array([100.0] * 300 + [50.0] * 300 + [20.0] * 60) * np.exp(0.05 * noise(1, 660))
    outcomes = scored(rate)
    told = feed(DriftDetector(), outcomes[:340])
    news = feed(DriftDetector(last=told[-1]), outcomes[200:])
    assert [one.stage for one in news] == [AlarmStage.ENDED, AlarmStage.OPENED]
    assert abs(change(news[-1], WatchedStream.LEVEL).since_s - 600) <= 5


@pytest.mark.parametrize("rate", [-1.0, math.nan, math.inf])
def test_a_rate_that_is_none_is_refused(rate: float):
    with pytest.raises(InvalidInput, match="finite and at least 0"):
        LinkOutcome(0.0, rate, 1.0, hit=True)
    with pytest.raises(InvalidInput, match="finite and at least 0"):
        LinkOutcome(0.0, 1.0, rate, hit=True)
