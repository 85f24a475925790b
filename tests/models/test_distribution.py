"""The best point, its confidence and the quantiles, against a dense grid and a numeric inverse."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from pba.models.distribution import Bins, DecodedForecast, decode
from pba.types import QUANTILES

BINS = Bins.spaced(122, 6.0, 0.05)
UP, DOWN = np.log(1.2), np.log(0.8)

sparse = hnp.arrays(
    float,
    st.integers(2, 40),
    elements=st.one_of(st.just(0.0), st.just(1.0), st.floats(0.0, 1.0)),
).filter(lambda mass: mass.sum() > 1e-3)


@st.composite
def distributions(draw) -> tuple[np.ndarray, Bins]:
    """Draw a distribution over bins of any number and width, with peaks and empty bins."""
    mass = draw(sparse)
    widths = draw(hnp.arrays(float, len(mass), elements=st.floats(0.002, 1.5)))
    return mass / mass.sum(), Bins(np.cumsum(widths) - draw(st.floats(0.0, widths.sum())))


def below(mass: np.ndarray, bins: Bins, log_ratio: np.ndarray) -> np.ndarray:
    """Return the mass below each log-ratio."""
    return np.interp(log_ratio, bins.edges, np.cumsum(mass))


def in_band(mass: np.ndarray, bins: Bins, log_point: np.ndarray) -> np.ndarray:
    """Return the mass, without the outage, of the actuals that have ``exp(log_point)`` in band."""
    return below(mass, bins, log_point - DOWN) - below(mass, bins, log_point - UP)


def worth(mass: np.ndarray, bins: Bins, log_point: np.ndarray) -> np.ndarray:
    """Return the mass in band, with a fifth more for the mass within ±10 %."""
    up, down = np.log(1.1), np.log(0.9)
    inner = below(mass, bins, log_point - down) - below(mass, bins, log_point - up)
    return in_band(mass, bins, log_point) + 0.2 * inner


def decode_one(mass: np.ndarray, bins: Bins, level_mbps: float = 1.0) -> DecodedForecast:
    return decode(mass[None, None], np.array([level_mbps]), bins)


@given(distributions())
@settings(max_examples=100, deadline=None)
def test_no_point_of_a_dense_grid_is_worth_more(distribution):
    mass, bins = distribution
    decoded = decode_one(mass, bins)
    point, confidence = decoded.bandwidth_mbps.item(), decoded.confidence.item()
    grid = np.linspace(bins.edges[0] - 0.3, bins.edges[-1] + 0.3, 20_001)
    best = max(worth(mass, bins, grid).max(), 1.2 * mass[0])
    assert confidence <= 1.0
    if point == 0:
        assert 1.2 * mass[0] >= best - 1e-9
        assert confidence == pytest.approx(mass[0], abs=1e-9)
    else:
        assert worth(mass, bins, np.log([point]))[0] >= best - 0.003 - 1e-9
        assert confidence == pytest.approx(in_band(mass, bins, np.log([point]))[0], abs=1e-9)


@given(distributions())
@settings(max_examples=100, deadline=None)
def test_the_mass_below_a_quantile_is_its_level(distribution):
    mass, bins = distribution
    result = decode_one(mass, bins).quantiles_mbps[0, 0]
    assert (np.diff(result) >= 0).all()
    for level, quantile in zip(QUANTILES, result, strict=True):
        if quantile == 0:
            assert mass[0] >= level - 1e-9
        else:
            assert below(mass, bins, np.log(quantile)) == pytest.approx(level, abs=1e-9)


@given(distributions())
@settings(deadline=None)
def test_the_median_is_the_point_if_no_value_is_worth_more(distribution):
    mass, bins = distribution
    decoded = decode_one(mass, bins)
    median = decoded.quantiles_mbps[0, 0, QUANTILES.index(0.5)]
    grid = np.linspace(bins.edges[0] - 0.3, bins.edges[-1] + 0.3, 20_001)
    best = max(worth(mass, bins, grid).max(), 1.2 * mass[0])
    median_worth = 1.2 * mass[0] if median == 0 else worth(mass, bins, np.log([median]))[0]
    if median_worth >= best > 1.2 * mass[0] + 1e-9:  # without ties with the outage
        assert decoded.bandwidth_mbps.item() == pytest.approx(median)


@given(distributions(), st.floats(1e-9, 1e7))
@settings(deadline=None)
def test_a_forecast_scales_with_the_level(distribution, level_mbps):
    mass, bins = distribution
    plain, scaled = decode_one(mass, bins), decode_one(mass, bins, level_mbps)
    np.testing.assert_allclose(scaled.quantiles_mbps, plain.quantiles_mbps * level_mbps)
    np.testing.assert_allclose(scaled.bandwidth_mbps, plain.bandwidth_mbps * level_mbps)
    np.testing.assert_allclose(scaled.confidence, plain.confidence)


def test_a_total_other_than_one_does_not_matter():
    mass = np.random.default_rng(2).dirichlet(np.ones(122))
    plain, doubled = decode_one(mass, BINS), decode_one(2 * mass, BINS)
    np.testing.assert_allclose(doubled.quantiles_mbps, plain.quantiles_mbps)
    np.testing.assert_allclose(doubled.confidence, plain.confidence)


def test_rows_of_a_batch_are_decoded_independently():
    mass = np.random.default_rng(5).dirichlet(np.full(122, 0.1), (7, 3))
    level_mbps = np.geomspace(1e-3, 1e5, 7)
    together = decode(mass, level_mbps, BINS)
    for row in range(7):
        alone = decode(mass[row : row + 1], level_mbps[row : row + 1], BINS)
        np.testing.assert_allclose(together.bandwidth_mbps[row], alone.bandwidth_mbps[0])
        np.testing.assert_allclose(together.confidence[row], alone.confidence[0])
        np.testing.assert_allclose(together.quantiles_mbps[row], alone.quantiles_mbps[0])


def test_a_certain_outage_is_a_forecast_of_zero():
    decoded = decode_one(np.eye(122)[0], BINS, 100.0)
    assert (decoded.bandwidth_mbps.item(), decoded.confidence.item()) == (0.0, 1.0)
    assert (decoded.quantiles_mbps == 0).all()


@pytest.mark.parametrize(("outage", "point"), [(0.6, 0.0), (0.4, 100.0)])
def test_the_point_is_the_more_likely_of_outage_and_rate(outage, point):
    mass = outage * np.eye(122)[0] + (1 - outage) * np.eye(122)[BINS.index(np.float64(0.0))]
    decoded = decode_one(mass, BINS, 100.0)
    assert decoded.bandwidth_mbps.item() == pytest.approx(point, rel=0.01)
    assert decoded.confidence.item() == pytest.approx(max(outage, 1 - outage))


def test_the_point_is_at_the_larger_of_two_peaks():
    mass = np.zeros(122)
    mass[BINS.index(np.log([0.5, 2.0]))] = 0.4, 0.6
    decoded = decode_one(mass, BINS, 100.0)
    assert abs(decoded.bandwidth_mbps.item() - 200.0) <= 0.2 * 200.0
    assert decoded.confidence.item() == pytest.approx(0.6)


def test_single_precision_agrees_with_double():
    mass = np.random.default_rng(1).dirichlet(np.ones(122), (1, 3))
    level_mbps = np.array([3.0])
    single = decode(mass.astype(np.float32), level_mbps.astype(np.float32), BINS)
    np.testing.assert_allclose(single.confidence, decode(mass, level_mbps, BINS).confidence, 1e-5)


@given(st.floats(-20, 20))
def test_a_log_ratio_lies_between_the_edges_of_its_bin(log_ratio):
    index = int(BINS.index(np.float64(log_ratio)))
    assert index == 0 or BINS.edges[index - 1] <= log_ratio
    assert index == len(BINS) - 1 or log_ratio < BINS.edges[index]


def test_the_outermost_bins_take_everything_beyond():
    result = BINS.index(np.array([[-np.inf, -6.1], [6.0, np.inf]]))
    assert result.tolist() == [[0, 0], [121, 121]]


@given(st.integers(2, 300), st.floats(0.5, 10.0), st.floats(0.001, 0.5))
def test_spaced_bins_have_the_requested_reach_and_grow_outwards(count, reach, width):
    edges = Bins.spaced(count, reach, width).edges
    assert len(edges) == count
    assert (edges[0], edges[-1]) == (-reach, reach)
    np.testing.assert_allclose(edges, -edges[::-1], atol=1e-9 * reach)
    steps = np.diff(edges)[(count - 1) // 2 :]
    assert (np.diff(steps) >= -1e-9 * reach).all()


def test_overlap_is_the_share_of_each_bin_between_the_limits():
    bins = Bins(np.array([0.0, 1.0, 3.0]))
    result = bins.overlap(np.array([0.5, -1.0]), np.array([2.0, 9.0]))
    np.testing.assert_allclose(result, [[0, 0], [0.5, 1.0], [0.5, 1.0]])


def test_unpickled_bins_are_one_shared_object():
    first, second = copy.copy(BINS), copy.deepcopy(BINS)
    assert first is second
    np.testing.assert_array_equal(first.edges, BINS.edges)
