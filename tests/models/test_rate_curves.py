"""How much a link carries in a time, on distributions whose durations are known."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.models.mean_rates import LEVELS, at_levels, mean_rates, probability_within
from pba.models.rate_curves import RateCurves, rate_curves
from pba.types import HORIZONS, INTERVALS, QUANTILES, Floats

STEPS = np.array([1.0, 5.0, 15.0, 60.0])
SPREAD = np.array([0.5, 0.7, 0.9, 1.0, 1.1, 1.3, 1.5])
ONE_S = np.array([1.0])


def curves(*scale: float, step_s: float = 1.0) -> RateCurves:
    """Return the curves of means that are spread alike around ``scale``, one an interval."""
    quantiles_mbps = np.multiply.outer(np.array(scale), SPREAD)[None]
    return rate_curves(STEPS[: len(scale)], quantiles_mbps, np.array([step_s]))


def durations(of: RateCurves, megabits: float) -> Floats:
    return of.time_s(np.array([[megabits]]))[0]


def test_within_the_intervals_the_duration_is_the_size_over_the_mean_rate():
    np.testing.assert_allclose(durations(curves(8, 8, 8, 8), 80.0), 10.0 / SPREAD, rtol=1e-6)


def test_the_step_stretches_the_curves():
    wide = curves(8, 8, 8, 8, step_s=300.0)
    np.testing.assert_allclose(durations(wide, 24_000.0), 3000.0 / SPREAD, rtol=1e-6)


def test_at_the_length_of_an_interval_its_mean_counts():
    falling = curves(10, 8, 6, 4)
    assert durations(falling, 15 * 6.0)[3] == pytest.approx(15.0)
    assert durations(falling, 60 * 4.0)[3] == pytest.approx(60.0)


def test_beyond_the_longest_interval_the_median_stays_and_the_spread_grows():
    slow, middle, fast = durations(curves(8, 8, 8, 8), 8 * 600.0)[[1, 3, 5]]
    assert middle == pytest.approx(600.0)
    assert slow > 600.0 / SPREAD[1]
    assert fast < 600.0 / SPREAD[5]


def test_a_link_that_may_be_out_forever_has_no_longest_duration():
    quantiles_mbps = np.tile([0.0, 0.0, 4.0, 5.0, 6.0, 7.0, 8.0], (1, 4, 1))
    result = durations(rate_curves(STEPS, quantiles_mbps, ONE_S), 50.0)
    assert np.isinf(result[:2]).all()
    np.testing.assert_allclose(result[2:4], [12.5, 10.0])


rates = st.lists(st.floats(0.0, 1e4), min_size=7, max_size=7).map(sorted)


@given(st.lists(rates, min_size=2, max_size=4), st.floats(1e-3, 1e7), st.floats(0.1, 1e3))
def test_more_takes_longer_and_a_higher_level_is_sooner_through(
    by_interval: list[list[float]], megabits: float, step_s: float
):
    quantiles_mbps = np.array(by_interval)[None]
    of = rate_curves(STEPS[: len(by_interval)], quantiles_mbps, np.array([step_s]))
    once, twice = durations(of, megabits), durations(of, 2 * megabits)
    assert (np.diff(once[np.isfinite(once)]) <= 1e-9 * once[np.isfinite(once)].max(initial=1)).all()
    assert (twice >= once).all()
    assert (once > 0).all()
    ends = np.flatnonzero(once < 1e4 * step_s)
    for level in ends.tolist():
        carried = of.megabits(once[level : level + 1])[0, level]
        assert carried == pytest.approx(megabits, rel=1e-6)


def test_the_probability_to_be_in_time_agrees_with_the_durations():
    of = curves(8, 8, 8, 8)
    for level, duration_s in zip(QUANTILES, durations(of, 80.0), strict=True):
        carried_mb = of.megabits(np.array([duration_s]))
        probability = probability_within(carried_mb, np.array([80.0]))[0]
        assert probability == pytest.approx(1.0 - level, abs=0.01)


def test_what_is_far_within_or_beyond_the_forecast_is_nearly_sure():
    carried_mb = 100.0 * SPREAD[None]
    assert probability_within(carried_mb, np.array([1.0]))[0] > 0.999
    assert probability_within(carried_mb, np.array([1e4]))[0] < 0.001


def test_levels_between_those_of_a_forecast_are_in_order():
    fine = at_levels(SPREAD, LEVELS)
    assert (np.diff(fine) > 0).all()
    assert fine[len(LEVELS) // 2] == pytest.approx(1.0)
    np.testing.assert_allclose(at_levels(SPREAD, QUANTILES), SPREAD)


def test_intervals_follow_the_rate_one_step_ahead():
    horizons, intervals = np.full((2, 3, 7), 4.0), np.full((2, 2, 7), 5.0)
    steps, means_mbps = mean_rates((HORIZONS, horizons), (INTERVALS[:2], intervals))
    np.testing.assert_array_equal(steps, [1, 5, 15])
    np.testing.assert_array_equal(means_mbps[0, :, 0], [4, 5, 5])


def test_without_intervals_a_mean_is_that_of_the_horizons_with_less_spread():
    horizons = np.multiply.outer([9.0, 3.0, 3.0], SPREAD)[None]
    steps, means_mbps = mean_rates((HORIZONS, horizons), ((), np.empty((1, 0, 7))))
    np.testing.assert_array_equal(steps, HORIZONS)
    np.testing.assert_allclose(means_mbps[0, 0], horizons[0, 0])
    np.testing.assert_allclose(means_mbps[0, 1:, 3], [6.0, 5.0])
    assert 3.0 < means_mbps[0, 1, 0] < 6.0 < means_mbps[0, 1, -1] < 9.0


def test_without_intervals_an_outage_stays_one():
    horizons = np.zeros((1, 3, 7))
    horizons[..., 4:] = 2.0
    _, means_mbps = mean_rates((HORIZONS, horizons), ((), np.empty((1, 0, 7))))
    assert (means_mbps[..., :4] == 0.0).all()
    assert np.isfinite(means_mbps).all()
