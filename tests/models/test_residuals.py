"""What the rules share: honest widths, outages as a state of their own, calm at extremes."""

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
    found = np.full((*rows.shape, 5), np.nan)
    found[:, :, 0] = rows
    return found


def read(rule: Forecaster, *bandwidth: list[float]) -> DecodedForecast:
    said = rule.predict(windows(*bandwidth))
    return decode(said.probabilities, said.level_mbps, rule.bins)


def slow(bandwidth: list[float], estimates: list[float], steps: int) -> np.ndarray:
    """Return what the class docstring says, in plain loops."""
    now_out = bandwidth[-1] == 0
    weight = out = rated = roots = 0.0
    for moment in range(len(bandwidth) - steps):
        if (bandwidth[moment] == 0) != now_out:
            continue
        recency = 0.5 ** ((len(bandwidth) - steps - 1 - moment) / 20)
        weight += recency
        later = bandwidth[moment + steps]
        error = math.log(later / estimates[moment]) if later > 0 else -math.inf
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
def test_the_distribution_is_the_one_described(bandwidth):
    carried, last = [], next((value for value in bandwidth if value > 0), 1e-9)
    for value in bandwidth:
        last = value or last
        carried.append(last)
    said = LastValue().predict(windows(bandwidth))
    assert said.level_mbps[0] == carried[-1]
    for index, steps in enumerate(HORIZONS):
        plain = slow(bandwidth, carried, steps)
        np.testing.assert_allclose(np.cumsum(said.probabilities[0, index] - plain), 0.0, atol=0.01)


@each_rule
def test_a_dead_link_stays_dead(rule):
    said = read(rule, [0.0] * 30)
    assert said.bandwidth_mbps.tolist() == [[0.0, 0.0, 0.0]]
    assert (said.confidence > 0.75).all()


@each_rule
@pytest.mark.parametrize("level", [1e-6, 0.3, 100.0, 1e6, 1e7])
@pytest.mark.parametrize("samples", [10, 30, 60])
def test_a_steady_link_stays_steady_and_that_is_nearly_sure(rule, level, samples):
    said = read(rule, [level] * samples)
    np.testing.assert_allclose(said.bandwidth_mbps, level, rtol=0.03)
    assert (said.confidence[:, 0] > 0.98).all()
    assert said.quantiles_mbps[0, 0, 0] > 0.9 * level
    assert said.quantiles_mbps[0, 0, -1] < 1.1 * level


@each_rule
def test_the_fewest_samples_leave_it_unsure(rule):
    said = read(rule, [100.0, 100.0])
    np.testing.assert_allclose(said.bandwidth_mbps, 100.0, rtol=0.03)
    assert 0.3 < said.confidence[0, 2] < said.confidence[0, 1] < 0.8


@each_rule
def test_one_spike_long_ago_hardly_matters(rule):
    said = read(rule, [100.0] * 10 + [1e6] + [100.0] * 49)
    np.testing.assert_allclose(said.bandwidth_mbps, 100.0, rtol=0.03)
    assert (said.confidence > 0.7).all()


@each_rule
def test_an_outage_that_has_just_begun_is_expected_to_last_a_step(rule):
    said = read(rule, [100.0] * 28 + [0.0, 0.0])
    assert said.bandwidth_mbps[0, 0] == 0.0
    assert said.quantiles_mbps[0, 0, -1] > 50.0


@each_rule
def test_after_an_outage_a_link_is_taken_to_be_where_it_was(rule):
    said = read(rule, [100.0] * 20 + [0.0] * 10 + [100.0] * 30)
    np.testing.assert_allclose(said.bandwidth_mbps, 100.0, rtol=0.03)
    assert (said.confidence[0] > [0.95, 0.85, 0.6]).all()


@each_rule
def test_a_link_that_woke_this_moment_is_not_feared_dead(rule):
    said = read(rule, [0.0] * 29 + [80.0])
    np.testing.assert_allclose(said.bandwidth_mbps, 80.0, rtol=0.03)


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
def test_no_window_is_too_wild(rule, bandwidth):
    said = rule.predict(windows(bandwidth))
    assert np.isfinite(said.probabilities).all()
    np.testing.assert_allclose(said.probabilities.sum(axis=-1), 1.0)
    assert np.isfinite(read(rule, bandwidth).quantiles_mbps).all()


@each_rule
def test_a_noisy_link_gets_a_wider_forecast_than_a_quiet_one(rule):
    rng = np.random.default_rng(0)
    noise = rng.normal(0.0, 1.0, 60)
    sure = [read(rule, 100.0 * np.exp(size * noise)).confidence[0, 0] for size in (0.02, 0.1, 0.5)]
    assert sure[0] > sure[1] > sure[2]


def test_more_recent_errors_weigh_more():
    rng = np.random.default_rng(1)
    wild, calm = 100.0 * np.exp(rng.normal(0.0, 0.3, 30)), np.full(30, 100.0)
    calmed = read(LastValue(), [*wild, *calm]).confidence[0, 0]
    roused = read(LastValue(), [*calm, *wild]).confidence[0, 0]
    assert calmed > roused + 0.1


def test_the_path_is_what_was_last_measured():
    found = windows([1.0] * 4, [1.0] * 4)
    found[0, :, 1] = [5.0, 6.0, np.nan, np.nan]
    found[0, 3, 2] = 0.25
    path = LastValue().predict(found).path
    np.testing.assert_array_equal(path, [[6.0, 0.25, np.nan], [np.nan] * 3])


def test_single_precision_is_taken_too():
    found = windows([100.0, 110.0, 90.0] * 10)
    one, other = Ewma().predict(found), Ewma().predict(found.astype(np.float32))
    np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-3)
    assert other.probabilities.dtype == np.float64


def test_on_a_noisy_walk_confidence_and_quantiles_are_honest():
    rng = np.random.default_rng(2)
    size = rng.uniform(0.02, 0.25, (4000, 1))
    walk = 100.0 * np.exp(np.cumsum(rng.laplace(0.0, size, (4000, 61)), axis=1))
    said = read(LastValue(), *walk[:, :60])
    hits = in_band(said.bandwidth_mbps[:, 0], walk[:, 60])
    assert calibration_error(said.confidence[:, 0], hits) < 0.05
    low, high = said.quantiles_mbps[:, 0, 0], said.quantiles_mbps[:, 0, -1]
    assert coverage(low, high, walk[:, 60]) == pytest.approx(0.9, abs=0.03)
