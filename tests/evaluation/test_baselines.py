"""The textbook rules on series with known forecasts."""

import numpy as np

from pba.evaluation.baselines import autoregression, ewma, holt, last_value
from pba.evaluation.candidates import as_candidate
from pba.models.mean import Mean


def windows(rates: np.ndarray) -> np.ndarray:
    telemetry = np.full((*rates.shape, 5), np.nan)
    telemetry[:, :, 0] = rates
    return telemetry


def test_a_steady_link_stays_steady() -> None:
    steady = windows(np.array([[5.0] * 30, [4e4] * 30]))
    for rule in (holt(), autoregression()):
        np.testing.assert_allclose(
            rule.forecast(steady).bandwidth_mbps, [[5.0] * 6, [4e4] * 6], rtol=1e-3
        )


def test_holt_follows_a_trend_by_its_recursion() -> None:
    rates = np.array([1.0, 2.0, 4.0, 5.0, 9.0])
    level, trend = 1.0, 0.0
    for rate in rates[1:]:
        previous = level
        level = 0.5 * rate + 0.5 * (level + 0.9 * trend)
        trend = 0.1 * (level - previous) + 0.9 * 0.9 * trend
    path = [level + sum(0.9**k for k in range(1, h + 1)) * trend for h in range(1, 61)]
    expected = [path[0], path[4], path[14], *(float(np.mean(path[:n])) for n in (5, 15, 60))]
    np.testing.assert_allclose(holt().forecast(windows(rates[None])).bandwidth_mbps[0], expected)


def test_an_autoregression_continues_a_wave() -> None:
    steps = np.arange(60)
    wave = 10 + 5 * np.sin(2 * np.pi * steps / 6)
    ahead = 10 + 5 * np.sin(2 * np.pi * (59 + np.array([1, 5, 15])) / 6)
    forecasts = autoregression().forecast(windows(wave[None])).bandwidth_mbps[0]
    np.testing.assert_allclose(forecasts[:3], ahead, rtol=0.02)
    np.testing.assert_allclose(forecasts[5], 10.0, rtol=0.02)


def test_forecasts_of_an_outage_are_valid_rates() -> None:
    for rule in (holt(), autoregression()):
        forecasts = rule.forecast(windows(np.zeros((1, 30)))).bandwidth_mbps
        assert ((forecasts >= 0) & (forecasts < 1e-6)).all()


def test_smoothing_includes_the_path_and_ignores_missing_values() -> None:
    telemetry = windows(np.full((1, 4), 10.0))
    telemetry[0, :, 1] = [np.nan, 8.0, np.nan, 4.0]
    forecasts = ewma(0.5).forecast(telemetry)
    np.testing.assert_allclose(forecasts.path, [[6.0, np.nan, np.nan]])
    np.testing.assert_allclose(forecasts.bandwidth_mbps, [[10.0] * 6], rtol=0.01)


def test_the_last_value_is_the_newest_sample_even_in_an_outage() -> None:
    telemetry = windows(np.array([[5.0, 7.0, 0.0]]))
    telemetry[0, :, 1] = [3.0, 4.0, np.nan]
    forecasts = last_value().forecast(telemetry)
    assert forecasts.bandwidth_mbps.tolist() == [[0.0] * 6]
    assert forecasts.path[0, 0] == 4.0


def test_smoothing_forecasts_means_as_its_average_and_a_rule_without_means_none() -> None:
    telemetry = windows(np.array([[100.0, 200.0, 400.0]]))
    assert ewma(0.5).forecast(telemetry).bandwidth_mbps[0, 3:].tolist() == [275.0] * 3
    assert np.isnan(ewma(0.5).forecast(telemetry).confidence[0, 3:]).all()
    rule = as_candidate(Mean()).forecast(telemetry)
    assert np.isnan(rule.bandwidth_mbps[0, 3:]).all()
    assert not np.isnan(rule.bandwidth_mbps[0, :3]).any()
