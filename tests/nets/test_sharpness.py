"""Sharpness and spread, on answers whose true distribution is known."""

import numpy as np
import pytest

from pba.models.base import Prediction
from pba.models.distribution import Bins, decode
from pba.nets.sharpness import fit_sharpness, fit_spread

BINS = Bins.spaced(122, 6.0, 0.05)


@pytest.fixture
def truth(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return distributions of many widths, and actuals drawn from them, at a level of 1 Mbps."""
    place = np.append(BINS.edges, 7.0)[:-1]
    width = rng.uniform(0.05, 1.0, (1000, 3, 1))
    mass = np.exp(-0.5 * (place / width) ** 2) * np.gradient(place)
    mass /= mass.sum(axis=-1, keepdims=True)
    drawn = (rng.random((1000, 3, 1)) > np.cumsum(mass, axis=-1)).sum(axis=-1)
    low, high = BINS.edges[drawn - 1], BINS.edges[np.minimum(drawn, 121)]
    return mass, np.exp(low + rng.random((1000, 3)) * (high - low))


def test_what_is_as_sure_as_it_should_be_stays_so(truth) -> None:
    mass, actual = truth
    found = fit_sharpness(Prediction(mass, np.ones(1000), np.empty((1000, 3))), actual, BINS)
    assert found == pytest.approx((1.0, 1.0, 1.0), abs=0.2)


@pytest.mark.parametrize("power", [0.75, 1.4])
def test_a_power_that_spoilt_the_confidence_is_undone(truth, power: float) -> None:
    mass, actual = truth
    spoilt = BINS.widths * (mass / BINS.widths) ** np.array([1.0, power, 1.0])[:, None]
    spoilt /= spoilt.sum(axis=-1, keepdims=True)
    found = fit_sharpness(Prediction(spoilt, np.ones(1000), np.empty((1000, 3))), actual, BINS)
    assert found[1] == pytest.approx(1 / power, abs=0.15)


def test_a_horizon_of_which_nothing_is_known_is_left_alone(truth) -> None:
    mass, actual = truth
    actual[:, 2] = np.nan
    said = Prediction(mass[:50], np.ones(50), np.empty((50, 3)))
    assert fit_sharpness(said, actual[:50], BINS)[2] == 1.0


def number(level_mbps: np.ndarray) -> Prediction:
    """Return what one says that says a number only."""
    count = len(level_mbps)
    return Prediction(np.empty((count, 3, len(BINS))), level_mbps, np.empty((count, 3)))


def test_a_spread_is_as_sure_as_the_number_is_often_right(rng: np.random.Generator) -> None:
    level = rng.uniform(1.0, 1000.0, 20_000)
    width = np.array([0.05, 0.2, 0.5])
    actual = level[:, None] * np.exp(rng.normal(0.0, width, (20_000, 3)))
    said = decode(fit_spread(number(level), actual, BINS)[None], np.ones(1), BINS)
    right = (np.abs(level[:, None] - actual) <= 0.2 * actual).mean(axis=0)
    np.testing.assert_allclose(said.confidence[0], right, atol=0.01)
    np.testing.assert_allclose(said.bandwidth_mbps[0], 1.0, atol=0.05)


def test_a_spread_counts_outages_and_what_is_not_known_not_at_all() -> None:
    actual = np.full((1000, 3), 100.0)
    actual[:100, 0] = 0.0
    actual[:500, 1] = np.nan
    actual[:, 2] = np.nan
    spread = fit_spread(number(np.full(1000, 100.0)), actual, BINS)
    np.testing.assert_allclose(spread.sum(axis=1), 1.0)
    assert spread[0, 0] == pytest.approx(0.1, abs=1e-3)
    assert spread[1, 0] < 1e-4
    assert np.ptp(spread[2]) < 0.005  # nothing is known: anything may come
