"""Holt's trend follows slopes, ignores noise, and knows what time has passed."""

import numpy as np
import pytest

from deployments.replicas.arrival_trend import Trend

AHEAD_S = 20.0


def trend_of(times_s: np.ndarray, values: np.ndarray) -> Trend:
    trend = Trend(times_s[0], values[0])
    for at_s, value in zip(times_s[1:], values[1:], strict=True):
        trend = trend.measured(at_s, value)
    return trend


@pytest.mark.parametrize("every_s", [0.5, 2.0, 10.0])
@pytest.mark.parametrize("slope_per_s", [0.0, 2.0, -0.5])
def test_a_line_is_continued_however_often_it_is_measured(every_s: float, slope_per_s: float):
    times_s = np.arange(0.0, 200.0, every_s)
    trend = trend_of(times_s, 150.0 + slope_per_s * times_s)
    expected = 150.0 + slope_per_s * (times_s[-1] + AHEAD_S)
    assert trend.forecast(times_s[-1] + AHEAD_S) == pytest.approx(expected, rel=0.02)


def test_times_may_be_irregular():
    times_s = np.cumsum(np.random.default_rng(0).uniform(0.1, 5.0, 200))
    trend = trend_of(times_s, 3.0 * times_s)
    assert trend.slope_per_s == pytest.approx(3.0, rel=0.05)


def test_counts_of_a_steady_rate_are_no_slope():
    """A tenth more or less than the level is what forty in two seconds vary by."""
    counts = np.random.default_rng(0).poisson(40.0, (200, 60)) / 2.0
    times_s = np.arange(60) * 2.0
    trends = [trend_of(times_s, row) for row in counts]
    ratios = [trend.forecast(trend.at_s + AHEAD_S) / trend.level for trend in trends]
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.05)
    assert np.quantile(ratios, 0.9) < 1.35


def test_what_doubles_every_minute_is_not_far_behind():
    times_s = np.arange(0.0, 180.0, 2.0)
    trend = trend_of(times_s, 4.0 * 2 ** (times_s / 60.0))
    ahead_s = times_s[-1] + AHEAD_S
    actual = 4.0 * 2 ** (ahead_s / 60.0)
    assert 0.85 * actual < trend.forecast(ahead_s) < 1.05 * actual
    assert trend.level < 0.85 * actual


def test_a_fall_ends_at_nothing():
    assert Trend(0.0, 10.0, -5.0).forecast(60.0) == 0.0
