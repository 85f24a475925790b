"""The residual distribution of all rules: widths, outages, extreme windows."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from pba.evaluation.metrics import calibration_error, coverage, in_band
from pba.models.base import Forecaster
from pba.models.contract import forecasters
from pba.models.distribution import DecodedForecast, decode
from pba.models.ewma import Ewma
from pba.models.last_value import LastValue
from pba.models.residuals import BINS, RuleForecaster
from pba.types import HORIZONS

RULES = [rule for rule in forecasters() if isinstance(rule, RuleForecaster)]
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


def windows(*bandwidth: list[float]) -> np.ndarray:
    rows = np.array(bandwidth, dtype=float)
    telemetry = np.full((*rows.shape, 5), np.nan)
    telemetry[:, :, 0] = rows
    return telemetry


def decode_rule(rule: Forecaster, *bandwidth: list[float]) -> DecodedForecast:
    prediction = rule.predict(windows(*bandwidth))
    return decode(prediction.probabilities, prediction.level_mbps, rule.bins)


def slow(bandwidth: list[float], estimates: list[float], steps: int) -> np.ndarray:
    """Return the distribution of the class docstring, computed with plain loops."""
    now_out = bandwidth[-1] == 0
    weight = out = rated = roots = 0.0
    for time in range(len(bandwidth) - steps):
        if (bandwidth[time] == 0) != now_out:
            continue
        recency = 0.5 ** ((len(bandwidth) - steps - 1 - time) / 20)
        weight += recency
        later = bandwidth[time + steps]
        error = math.log(later / estimates[time]) if later > 0 else -math.inf
        if error < -6:
            out += recency
        else:
            rated += recency
            roots += recency * math.sqrt(min(abs(error), 6.0))
    prior_width = {1: 0.1, 5: 0.15, 15: 0.2}[steps]
    stays, begins = {1: (0.55, 0.002), 5: (0.3, 0.004), 15: (0.2, 0.005)}[steps]
    width = 1.1 * ((roots + 0.5 * math.sqrt(prior_width)) / (rated + 0.5)) ** 2
    width = min(max(width, 1e-3), 3.0)
    outage = (out + 4 * (stays if now_out else begins)) / (weight + 4)

    def below(x: float, b: float) -> float:
        return 0.5 * math.exp(x / b) if x < 0 else 1 - 0.5 * math.exp(-x / b)

    rows = []
    for b in (width, max(4 * width, 0.02)):
        cdf = [below(edge, b) for edge in BINS.edges]
        mass = np.diff(cdf)
        rows.append(mass / mass.sum())
    return np.concatenate([[outage], (1 - outage) * (0.9 * rows[0] + 0.1 * rows[1])])


rate = st.one_of(st.just(0.0), st.floats(0.5, 500.0, width=32))


@settings(max_examples=60, deadline=None)
@given(st.lists(rate, min_size=2, max_size=40))
def test_the_distribution_follows_its_description(bandwidth):
    levels, last = [], next((value for value in bandwidth if value > 0), 1e-9)
    for value in bandwidth:
        last = value or last
        levels.append(last)
    prediction = LastValue().predict(windows(bandwidth))
    assert prediction.level_mbps[0] == levels[-1]
    for index, steps in enumerate(HORIZONS):
        plain = slow(bandwidth, levels, steps)
        np.testing.assert_allclose(
            np.cumsum(prediction.probabilities[0, index] - plain), 0.0, atol=0.01
        )


@each_rule
def test_a_link_in_outage_stays_in_outage(rule):
    decoded = decode_rule(rule, [0.0] * 30)
    assert decoded.bandwidth_mbps.tolist() == [[0.0, 0.0, 0.0]]
    assert (decoded.confidence > 0.75).all()


@each_rule
@pytest.mark.parametrize("level", [1e-6, 0.3, 100.0, 1e6, 1e7])
@pytest.mark.parametrize("samples", [10, 30, 60])
def test_a_steady_link_stays_steady_with_high_confidence(rule, level, samples):
    decoded = decode_rule(rule, [level] * samples)
    np.testing.assert_allclose(decoded.bandwidth_mbps, level, rtol=0.03)
    assert (decoded.confidence[:, 0] > 0.98).all()
    assert decoded.quantiles_mbps[0, 0, 0] > 0.9 * level
    assert decoded.quantiles_mbps[0, 0, -1] < 1.1 * level


@each_rule
def test_two_samples_give_low_confidence(rule):
    decoded = decode_rule(rule, [100.0, 100.0])
    np.testing.assert_allclose(decoded.bandwidth_mbps, 100.0, rtol=0.03)
    assert 0.3 < decoded.confidence[0, 2] < decoded.confidence[0, 1] < 0.8


@each_rule
def test_one_old_spike_has_little_effect(rule):
    decoded = decode_rule(rule, [100.0] * 10 + [1e6] + [100.0] * 49)
    np.testing.assert_allclose(decoded.bandwidth_mbps, 100.0, rtol=0.03)
    assert (decoded.confidence > 0.7).all()


@each_rule
def test_a_new_outage_is_expected_to_last_a_step(rule):
    decoded = decode_rule(rule, [100.0] * 28 + [0.0, 0.0])
    assert decoded.bandwidth_mbps[0, 0] == 0.0
    assert decoded.quantiles_mbps[0, 0, -1] > 50.0


@each_rule
def test_after_an_outage_a_link_returns_to_its_rate(rule):
    decoded = decode_rule(rule, [100.0] * 20 + [0.0] * 10 + [100.0] * 30)
    np.testing.assert_allclose(decoded.bandwidth_mbps, 100.0, rtol=0.03)
    assert (decoded.confidence[0] > [0.95, 0.85, 0.6]).all()


@each_rule
def test_a_link_that_has_just_recovered_stays_up(rule):
    decoded = decode_rule(rule, [0.0] * 29 + [80.0])
    np.testing.assert_allclose(decoded.bandwidth_mbps, 80.0, rtol=0.03)


@each_rule
@pytest.mark.parametrize(
    "bandwidth",
    [
        [1e-6, 1e7] * 15,
        [1e7, 1e-6] * 15,
        [0.0, 1e7] * 15,
        [1e7, 0.0] * 15,
        [1e-300, 1e7, 0.0],
        [5e-324] * 9,
        [1e-310, 1e7] * 9,
    ],
)
def test_extreme_windows_have_finite_predictions(rule, bandwidth):
    prediction = rule.predict(windows(bandwidth))
    assert np.isfinite(prediction.probabilities).all()
    np.testing.assert_allclose(prediction.probabilities.sum(axis=-1), 1.0)
    assert np.isfinite(decode_rule(rule, bandwidth).quantiles_mbps).all()


@each_rule
def test_confidence_decreases_with_noise(rule):
    rng = np.random.default_rng(0)
    noise = rng.normal(0.0, 1.0, 60)
    confidences = [
        decode_rule(rule, 100.0 * np.exp(size * noise)).confidence[0, 0]
        for size in (0.02, 0.1, 0.5)
    ]
    assert confidences[0] > confidences[1] > confidences[2]


def test_more_recent_errors_weigh_more():
    rng = np.random.default_rng(1)
    wild, calm = 100.0 * np.exp(rng.normal(0.0, 0.3, 30)), np.full(30, 100.0)
    calmed = decode_rule(LastValue(), [*wild, *calm]).confidence[0, 0]
    roused = decode_rule(LastValue(), [*calm, *wild]).confidence[0, 0]
    assert calmed > roused + 0.1


def test_the_path_is_the_newest_measurement():
    telemetry = windows([1.0] * 4, [1.0] * 4)
    telemetry[0, :, 1] = [5.0, 6.0, np.nan, np.nan]
    telemetry[0, 3, 2] = 0.25
    path = LastValue().predict(telemetry).path
    np.testing.assert_array_equal(path, [[6.0, 0.25, np.nan], [np.nan] * 3])


def test_single_precision_is_accepted():
    telemetry = windows([100.0, 110.0, 90.0] * 10)
    one, other = Ewma().predict(telemetry), Ewma().predict(telemetry.astype(np.float32))
    np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-3)
    assert other.probabilities.dtype == np.float64


def test_on_a_noisy_walk_confidence_and_quantiles_are_calibrated():
    rng = np.random.default_rng(2)
    size = rng.uniform(0.02, 0.25, (4000, 1))
    walk = 100.0 * np.exp(np.cumsum(rng.laplace(0.0, size, (4000, 61)), axis=1))
    decoded = decode_rule(LastValue(), *walk[:, :60])
    hits = in_band(decoded.bandwidth_mbps[:, 0], walk[:, 60])
    assert calibration_error(decoded.confidence[:, 0], hits) < 0.05
    low, high = decoded.quantiles_mbps[:, 0, 0], decoded.quantiles_mbps[:, 0, -1]
    assert coverage(low, high, walk[:, 60]) == pytest.approx(0.9, abs=0.03)
