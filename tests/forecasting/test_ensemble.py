"""The mixture gives every event the weighted mean of the members' probabilities."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from pba.forecasting.ensemble import MemberDistribution, confidence_weights, mixture
from pba.models.distribution import Bins, decode

FINE, COARSE = Bins.spaced(122, 6.0, 0.02), Bins.spaced(31, 4.0, 0.1)


def member(seed: int, bins: Bins, level_mbps: float) -> MemberDistribution:
    mass = np.random.default_rng(seed).dirichlet(np.full(len(bins), 0.3), 3)
    return MemberDistribution(mass, level_mbps, bins)


def mass_below(distribution: MemberDistribution, horizon: int, log_mbps: float) -> float:
    """Return the mass below a bandwidth, added up bin by bin."""
    edges = distribution.bins.edges + np.log(distribution.level_mbps)
    total = float(distribution.probabilities[horizon, 0])
    for index in range(1, len(edges)):
        share = (log_mbps - edges[index - 1]) / (edges[index] - edges[index - 1])
        total += float(distribution.probabilities[horizon, index]) * min(max(share, 0.0), 1.0)
    return total


@given(
    seed=st.integers(0, 1000),
    level_mbps=st.floats(1e-3, 1e5),
    other_mbps=st.floats(1e-3, 1e5),
    weight=st.floats(0.0, 1.0),
    bins=st.sampled_from([FINE, COARSE]),
)
@settings(deadline=None, max_examples=50)
def test_the_mass_below_every_edge_is_the_weighted_mean(seed, level_mbps, other_mbps, weight, bins):
    first, second = member(seed, FINE, level_mbps), member(seed + 1, bins, other_mbps)
    pooled = mixture([first, second], [weight, 1.0 - weight])
    assert (pooled.level_mbps, pooled.bins) == (level_mbps, FINE)
    np.testing.assert_allclose(pooled.probabilities.sum(axis=1), 1.0)
    assert (pooled.probabilities >= -1e-12).all()
    edges = FINE.edges + np.log(level_mbps)
    for index in (0, 1, 30, 60, 61, 100, 120):  # above the last edge there is nothing to compare
        expected = weight * mass_below(first, 1, edges[index])
        expected += (1.0 - weight) * mass_below(second, 1, edges[index])
        actual = pooled.probabilities[1, : index + 1].sum()
        assert actual == pytest.approx(expected, abs=1e-9)


def test_a_single_member_is_unchanged():
    only = member(3, FINE, 50.0)
    np.testing.assert_allclose(mixture([only], [1.0]).probabilities, only.probabilities)


def test_equal_members_give_their_own_distribution():
    single = member(3, FINE, 50.0)
    pooled = mixture([single, MemberDistribution(single.probabilities, 50.0, FINE)], [0.3, 0.7])
    np.testing.assert_allclose(pooled.probabilities, single.probabilities)


def test_members_with_different_levels_are_pooled_by_bandwidth():
    peak = np.eye(122)[[FINE.index(np.float64(0.0))] * 3]
    doubled = np.eye(122)[[FINE.index(np.log(2.0))] * 3]
    pooled = mixture(
        [MemberDistribution(peak, 100.0, FINE), MemberDistribution(doubled, 50.0, FINE)], [0.5, 0.5]
    )
    decoded = decode(pooled.probabilities[None], np.array([pooled.level_mbps]), FINE)
    np.testing.assert_allclose(decoded.bandwidth_mbps, 100.0, rtol=0.03)
    np.testing.assert_allclose(decoded.confidence, 1.0)


def test_an_outage_stays_an_outage_at_any_level():
    outage = np.eye(122)[[0, 0, 0]]
    pooled = mixture(
        [MemberDistribution(outage, 1e4, FINE), MemberDistribution(outage, 1e-4, FINE)], [0.5, 0.5]
    )
    np.testing.assert_allclose(pooled.probabilities, outage)


@pytest.mark.parametrize(("level_mbps", "bin_index"), [(1e9, -1), (1e-9, 0)])
def test_mass_beyond_the_bins_goes_to_the_outermost_bin(level_mbps, bin_index):
    peak = np.eye(122)[[FINE.index(np.float64(0.0))] * 3]
    pooled = mixture(
        [MemberDistribution(peak, 1.0, FINE), MemberDistribution(peak, level_mbps, FINE)],
        [0.0, 1.0],
    )
    np.testing.assert_allclose(pooled.probabilities[:, bin_index], 1.0)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=5))
def test_weights_sum_to_one_and_follow_the_confidences(confidences):
    weights = confidence_weights(confidences)
    assert sum(weights) == pytest.approx(1.0)
    total = sum(confidences)
    if total > 1e-300:
        assert weights == pytest.approx(tuple(c / total for c in confidences))


def test_members_without_confidence_have_equal_weights():
    assert confidence_weights([0.0, 0.0]) == (0.5, 0.5)
