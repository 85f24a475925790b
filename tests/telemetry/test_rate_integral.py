"""What a link has carried, on links whose integral is known."""

import numpy as np
import pytest

from pba.telemetry.rate_integral import RateIntegral


def link(times: list[float], rates: list[float], gap_s: float = 10.0) -> RateIntegral:
    return RateIntegral.of(np.array(times), np.array(rates), gap_s)


def time_s(integral: RateIntegral, newest: int, megabits: float) -> float:
    return float(integral.time_s(np.array([newest]), np.array([megabits]))[0])


def test_a_transfer_ends_within_the_sample_that_reaches_its_size():
    integral = link([0, 1, 3, 4], [9.0, 2.0, 4.0, 8.0])
    assert time_s(integral, 0, 2.0) == pytest.approx(1.0)
    assert time_s(integral, 0, 6.0) == pytest.approx(2.0)
    assert time_s(integral, 1, 12.0) == pytest.approx(2.5)


def test_zeros_count_and_a_later_rate_ends_the_transfer():
    assert time_s(link([0, 1, 2, 3], [5.0, 0.0, 0.0, 4.0]), 0, 1.0) == pytest.approx(2.25)


def test_a_transfer_of_nothing_is_through_at_once():
    assert time_s(link([0, 1, 2], [5.0, 0.0, 3.0]), 0, 0.0) == 0.0


@pytest.mark.parametrize(("newest", "megabits"), [(0, 3.5), (1, 2.5), (3, 0.5)])
def test_a_gap_or_the_end_leaves_a_transfer_open(newest: int, megabits: float):
    integral = link([0, 1, 2, 50, 51], [1.0, 1.0, 1.0, 1.0, 0.25])
    assert np.isnan(time_s(integral, newest, megabits))


def test_a_transfer_may_end_with_the_last_sample_before_a_gap():
    assert time_s(link([0, 1, 2, 50], [1.0, 1.0, 1.0, 1.0]), 0, 2.0) == pytest.approx(2.0)


def test_it_is_known_until_when_the_rate_is():
    integral = link([0, 1, 2, 50, 51], [1.0] * 5)
    np.testing.assert_allclose(integral.known_s(np.arange(5)), [2.0, 1.0, 0.0, 1.0, 0.0])
