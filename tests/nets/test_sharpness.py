"""Sharpness and spread on predictions whose true distribution is known."""

import json

import numpy as np
import pytest

from pba.models.base import Prediction
from pba.models.distribution import Bins, decode
from pba.nets.restlessness import restlessness
from pba.nets.sharpness import Sharpness, fit_sharpness
from pba.nets.spread import fit_spread

BINS = Bins.spaced(122, 6.0, 0.05)
_COUNT = 800
NO_MEANS = np.full((_COUNT, 3), np.nan)
ALIKE = np.zeros(_COUNT)


@pytest.fixture
def distributions(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return distributions of many widths, and actuals drawn from them, at a level of 1 Mbps."""
    centers = np.append(BINS.edges, 7.0)[:-1]
    width = rng.uniform(0.05, 1.0, (_COUNT, 3, 1))
    mass = np.exp(-0.5 * (centers / width) ** 2) * np.gradient(centers)
    mass /= mass.sum(axis=-1, keepdims=True)
    bins_drawn = (rng.random((_COUNT, 3, 1)) > np.cumsum(mass, axis=-1)).sum(axis=-1)
    low, high = BINS.edges[bins_drawn - 1], BINS.edges[np.minimum(bins_drawn, 121)]
    return mass, np.exp(low + rng.random((_COUNT, 3)) * (high - low))


def test_a_calibrated_prediction_keeps_its_sharpness(distributions) -> None:
    mass, actual = distributions
    prediction = Prediction(mass, np.ones(_COUNT), np.empty((_COUNT, 3)))
    sharpness = fit_sharpness(prediction, actual, NO_MEANS, ALIKE, BINS)
    assert sharpness.knots == (0.0,)
    assert np.ravel(sharpness.powers) == pytest.approx((1.0, 1.0, 1.0), abs=0.1)


@pytest.mark.parametrize("power", [0.75, 1.4])
def test_a_power_that_distorted_the_confidence_is_inverted(distributions, power: float) -> None:
    mass, actual = distributions
    distorted = BINS.widths * (mass / BINS.widths) ** np.array([1.0, power, 1.0])[:, None]
    distorted /= distorted.sum(axis=-1, keepdims=True)
    prediction = Prediction(distorted, np.ones(_COUNT), np.empty((_COUNT, 3)))
    sharpness = fit_sharpness(prediction, actual, NO_MEANS, ALIKE, BINS)
    assert sharpness.powers[1][0] == pytest.approx(1 / power, abs=0.1)


def test_a_power_that_depends_on_restlessness_is_inverted_at_each(distributions, rng) -> None:
    mass, actual = distributions
    restless = rng.uniform(-6.0, 0.0, _COUNT)
    power = np.where(restless > -3.0, 1.4, 0.8)[:, None, None]
    distorted = BINS.widths * (mass / BINS.widths) ** power
    distorted /= distorted.sum(axis=-1, keepdims=True)
    prediction = Prediction(distorted, np.ones(_COUNT), np.empty((_COUNT, 3)))
    sharpness = fit_sharpness(prediction, actual, NO_MEANS, restless, BINS)
    powers = sharpness.at(np.array([-5.7, -0.3]))
    assert powers[0] == pytest.approx([1 / 0.8] * 3, abs=0.2)
    assert powers[1] == pytest.approx([1 / 1.4] * 3, abs=0.15)


def test_windows_that_are_alike_share_a_knot() -> None:
    prediction = Prediction(np.full((9, 3, 122), 1 / 122), np.ones(9), np.empty((9, 3)))
    restless = np.array([-6.9] * 8 + [-1.0])
    sharpness = fit_sharpness(prediction, np.ones((9, 3)), NO_MEANS[:9], restless, BINS)
    assert len(sharpness.knots) == len(set(sharpness.knots)) < 4
    assert np.isfinite(sharpness.at(np.array([-9.0, 0.0]))).all()


def test_powers_are_linear_in_their_logarithm_between_knots_and_survive_a_card() -> None:
    sharpness = Sharpness((-4.0, -2.0, -1.0), ((1.0, 2.0, 1.0), (0.5, 0.5, 2.0)))
    again = Sharpness.from_card(json.loads(json.dumps(sharpness.as_card())))
    assert again == sharpness
    restless = np.array([-9.0, -4.0, -3.0, -1.5, -1.0, 3.0])
    expected = [[1.0, 0.5], [1.0, 0.5], [2**0.5, 0.5], [2**0.5, 1.0], [1.0, 2.0], [1.0, 2.0]]
    assert sharpness.at(restless) == pytest.approx(np.array(expected))
    starts, lengths, first, slopes = sharpness.ramps
    ramps = np.clip(restless[:, None] - starts, 0.0, lengths)
    assert np.exp(first + ramps @ slopes.T) == pytest.approx(np.array(expected))
    assert Sharpness.from_card([1.1, 0.9]).at(restless)[0].tolist() == pytest.approx([1.1, 0.9])


def test_an_outage_is_as_restless_as_the_bins_reach() -> None:
    rates = np.array([[10.0] * 14 + [0.0], [10.0] * 15])
    assert restlessness(rates, np.array([10.0, 10.0]), 6.0) == pytest.approx(
        [np.log(6.0 / 14 + 1e-3), np.log(1e-3)]
    )


def test_a_horizon_without_actuals_is_not_changed(distributions) -> None:
    mass, actual = distributions
    actual[:, 2] = np.nan
    prediction = Prediction(mass[:50], np.ones(50), np.empty((50, 3)))
    sharpness = fit_sharpness(prediction, actual[:50], NO_MEANS[:50], ALIKE[:50], BINS)
    assert sharpness.powers[2] == (1.0,)


def point_prediction(level_mbps: np.ndarray) -> Prediction:
    """Return the prediction of a network with a point output only."""
    count = len(level_mbps)
    return Prediction(np.empty((count, 3, len(BINS))), level_mbps, np.empty((count, 3)))


def test_the_confidence_of_a_spread_is_the_accuracy_of_the_point(rng: np.random.Generator) -> None:
    level = rng.uniform(1.0, 1000.0, 20_000)
    width = np.array([0.05, 0.2, 0.5])
    actual = level[:, None] * np.exp(rng.normal(0.0, width, (20_000, 3)))
    decoded = decode(fit_spread(point_prediction(level), actual, BINS)[None], np.ones(1), BINS)
    accuracy = (np.abs(level[:, None] - actual) <= 0.2 * actual).mean(axis=0)
    np.testing.assert_allclose(decoded.confidence[0], accuracy, atol=0.01)
    np.testing.assert_allclose(decoded.bandwidth_mbps[0], 1.0, atol=0.05)


def test_a_spread_counts_outages_and_ignores_missing_actuals() -> None:
    actual = np.full((1000, 3), 100.0)
    actual[:100, 0] = 0.0
    actual[:500, 1] = np.nan
    actual[:, 2] = np.nan
    spread = fit_spread(point_prediction(np.full(1000, 100.0)), actual, BINS)
    np.testing.assert_allclose(spread.sum(axis=1), 1.0)
    assert spread[0, 0] == pytest.approx(0.1, abs=1e-3)
    assert spread[1, 0] < 1e-4
    assert np.ptp(spread[2]) < 0.005  # without actuals every bin is alike
