"""The intervals of a link hold their share of its actuals, whatever it does."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.forecasting.stretch import Stretch, stretch_rows
from pba.types import HORIZONS, INTERVALS, QUANTILES

SERVED = (50.0, 60.0, 80.0, 100.0, 110.0, 120.0, 150.0)
TARGETS = len(HORIZONS) + len(INTERVALS)
_factor = st.floats(-1.5, 1.0)


def outcome(stretch: Stretch, actual_mbps: float) -> tuple[bool, bool]:
    quantiles_mbps = stretch.apply(SERVED)
    return actual_mbps < quantiles_mbps[0], actual_mbps > quantiles_mbps[-1]


@pytest.mark.parametrize("spread", [0.15, 0.25, 0.35])
@pytest.mark.parametrize(("target", "steps"), [(0, 1), (1, 5), (2, 15), (5, 60)])
def test_after_200_outcomes_nine_in_ten_are_inside_however_wide_the_link_is(
    spread: float, target: int, steps: int
):
    """Actuals are means of as many steps, so that they overlap, and come so much later."""
    noise = np.random.default_rng(3).normal(0.0, spread * math.sqrt(steps), 6000)
    log_ratio = np.convolve(noise, np.full(steps, 1.0 / steps), "valid")
    actual_mbps = 100.0 * np.exp(log_ratio)
    stretch, missed = Stretch(), []
    for moment, mbps in enumerate(actual_mbps.tolist()):
        missed.append(outcome(stretch, mbps))
        if moment >= steps:
            stretch = stretch.after(target, missed[moment - steps])
    assert np.mean([sum(one) == 0 for one in missed[200:]]) == pytest.approx(0.9, abs=0.025)


def test_a_link_as_its_forecast_says_keeps_about_the_width_of_its_interval():
    rng = np.random.default_rng(5)
    stretch, widths = Stretch(), []
    ends = np.log(np.array([SERVED[0], SERVED[-1]]) / 100.0) / 1.645
    for _ in range(3000):
        normal = rng.normal()
        log_ratio = -normal * ends[0] if normal < 0 else normal * ends[1]
        stretch = stretch.after(0, outcome(stretch, 100.0 * math.exp(log_ratio)))
        served = stretch.apply(SERVED)
        widths.append(math.log(served[-1] / served[0]))
    assert np.mean(widths) == pytest.approx(math.log(3.0), rel=0.06)


def test_factors_have_bounds():
    narrow = wide = Stretch()
    for _ in range(1000):
        narrow, wide = narrow.after(0, (False, False)), wide.after(0, (True, True))
    assert narrow == Stretch(-1.5, -1.5)
    assert wide == Stretch(1.0, 1.0)


@given(st.lists(st.floats(0.0, 1e7), min_size=7, max_size=7), _factor, _factor)
def test_quantiles_stay_in_order_and_the_median_stays(
    rates_mbps: list[float], below: float, above: float
):
    quantiles_mbps = sorted(rates_mbps)
    stretched = Stretch(below, above).apply(quantiles_mbps)
    assert list(stretched) == pytest.approx(sorted(stretched), rel=1e-12, abs=1e-9)
    assert stretched[3] == quantiles_mbps[3]
    assert stretched[0] >= 0.0


def test_a_side_becomes_wider_or_narrower_alone():
    stretched = Stretch(0.4, -0.4).apply(SERVED)
    assert stretched[0] < SERVED[0]
    assert stretched[3] < stretched[-1] < SERVED[-1]
    assert Stretch(0.4).apply(SERVED)[3:] == SERVED[3:]
    assert Stretch(0.0, -0.4).apply(SERVED)[:4] == SERVED[:4]


def test_quantiles_of_a_normal_distribution_stay_normal():
    scores = [NormalDist().inv_cdf(level) for level in QUANTILES]
    stretched = Stretch(math.log(1.5), math.log(0.5)).apply([100.0 + 10.0 * one for one in scores])
    expected = [100.0 + (15.0 if one < 0.0 else 5.0) * one for one in scores]
    assert stretched == pytest.approx(expected)


def test_without_outcomes_quantiles_are_exactly_those_of_the_forecast():
    assert Stretch().apply(SERVED) == SERVED


def test_a_wide_enough_side_reaches_an_outage():
    assert Stretch(0.5).apply((5.0, 50.0, 80.0, 100.0, 110.0, 120.0, 150.0))[0] == 0.0


@given(
    st.lists(
        st.tuples(
            _factor,
            _factor,
            st.integers(0, TARGETS - 1),
            st.tuples(st.booleans(), st.booleans()),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_rows_are_moved_as_each_alone(rows: list[tuple[float, float, int, tuple[bool, bool]]]):
    factors = np.array([row[:2] for row in rows])
    target = np.array([row[2] for row in rows])
    moved = stretch_rows(factors, target, np.array([row[3] for row in rows]))
    expected = [Stretch(low, high).after(at, missed) for low, high, at, missed in rows]
    assert moved.tolist() == [[one.below, one.above] for one in expected]
