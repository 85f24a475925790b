"""Sharpness and spread on predictions whose true distribution is known."""

import numpy as np
import pytest

from pba.models.base import Prediction
from pba.models.distribution import Bins, decode
from pba.nets.sharpness import fit_sharpness, fit_spread

BINS = Bins.spaced(122, 6.0, 0.05)
_COUNT = 800
NO_MEANS = np.empty((0, 3))


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
    sharpness = fit_sharpness(
        Prediction(mass, np.ones(_COUNT), np.empty((_COUNT, 3))), actual, NO_MEANS, BINS
    )
    assert sharpness == pytest.approx((1.0, 1.0, 1.0), abs=0.2)


@pytest.mark.parametrize("power", [0.75, 1.4])
def test_a_power_that_distorted_the_confidence_is_inverted(distributions, power: float) -> None:
    mass, actual = distributions
    distorted = BINS.widths * (mass / BINS.widths) ** np.array([1.0, power, 1.0])[:, None]
    distorted /= distorted.sum(axis=-1, keepdims=True)
    sharpness = fit_sharpness(
        Prediction(distorted, np.ones(_COUNT), np.empty((_COUNT, 3))), actual, NO_MEANS, BINS
    )
    assert sharpness[1] == pytest.approx(1 / power, abs=0.15)


def test_a_horizon_without_actuals_is_not_changed(distributions) -> None:
    mass, actual = distributions
    actual[:, 2] = np.nan
    prediction = Prediction(mass[:50], np.ones(50), np.empty((50, 3)))
    assert fit_sharpness(prediction, actual[:50], NO_MEANS, BINS)[2] == 1.0


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
