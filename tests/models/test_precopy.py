"""Rounds of pre-copy over links whose rate is known."""

import math

import numpy as np
import pytest

from pba.models.precopy import (
    LONGEST_DOWNTIME_S,
    Migrations,
    local_lengths,
    migrate,
    migration_quantiles,
)
from pba.telemetry.rate_integral import RateIntegral
from pba.types import Floats


def at_rate(rate_mbps: float, memory_mb: float, dirty_mbps: float) -> Migrations:
    return migrate(lambda sent: sent / rate_mbps, np.array([memory_mb]), np.array([dirty_mbps]))


def test_rounds_shrink_by_the_share_that_is_written_until_the_rest_is_short():
    # 100, 20, 4 and 0.8 s; the next, of 0.16 s, is the downtime.
    result = at_rate(10.0, 1000.0, 2.0)
    assert result.converges[0]
    assert result.rounds[0] == 5
    assert result.downtime_s[0] == pytest.approx(0.16)
    assert result.time_s[0] == pytest.approx(124.96)


def test_a_machine_that_writes_nothing_needs_one_copy_and_no_downtime():
    result = at_rate(10.0, 1000.0, 0.0)
    assert (result.rounds[0], result.downtime_s[0], result.time_s[0]) == (1, 0.0, 100.0)


@pytest.mark.parametrize("dirty_mbps", [7.0, 10.0, 50.0])
def test_what_would_send_more_than_three_times_the_memory_does_not_converge(dirty_mbps: float):
    result = at_rate(10.0, 1000.0, dirty_mbps)
    assert not result.converges[0]
    assert not result.is_open[0]
    assert math.isinf(result.time_s[0])


def test_a_small_memory_moves_in_the_downtime_whatever_is_written():
    result = at_rate(1000.0, 100.0, 5000.0)
    assert result.converges[0]
    assert result.downtime_s[0] <= LONGEST_DOWNTIME_S


def test_on_a_link_that_is_out_nothing_converges():
    result = migrate(lambda sent: np.full(np.shape(sent), np.inf), np.ones(1), np.ones(1))
    assert not result.converges[0]
    assert not result.is_open[0]


def test_on_a_measured_link_what_outlasts_the_samples_is_open():
    link = RateIntegral.of(np.arange(20.0), np.full(20, 10.0), 5.0)

    def time_s(sent: Floats) -> Floats:
        return link.time_s(np.zeros(np.shape(sent), dtype=int), sent)

    memory_mb = np.array([100.0, 160.0, 500.0])
    result = migrate(time_s, memory_mb, np.full(3, 2.0))
    assert result.is_open.tolist() == [False, True, True]
    assert result.converges.tolist() == [True, False, False]


def test_one_rate_of_writing_holds_for_many_curves():
    rates = np.array([5.0, 10.0, 20.0])
    result = migrate(lambda sent: sent / rates, np.array([[100.0]]), np.array([[4.0]]))
    assert result.converges.tolist() == [[False, True, True]]
    assert result.time_s[0, 1] > result.time_s[0, 2]


def test_quantiles_are_of_all_or_of_those_that_are_finite():
    values = np.array([[1.0, math.inf, 3.0, 2.0]])
    assert migration_quantiles(values)[0, [0, 3, 6]].tolist() == [1.0, 3.0, math.inf]
    assert migration_quantiles(values, finite_only=True)[0, [0, 3, 6]].tolist() == [1.0, 2.0, 3.0]


def test_short_rounds_run_at_a_rate_of_their_own():
    rates = np.linspace(8.0, 12.0, 41)[None]
    lengths = local_lengths(np.ones(1), rates)
    np.testing.assert_array_equal(lengths(np.full((1, 41), 10.0)), 10.0)
    short = lengths(np.full((1, 41), 0.5))
    np.testing.assert_allclose(np.sort(short), np.sort(0.5 * (10.0 / rates) ** 1.5), rtol=1e-6)
    assert abs(np.corrcoef(short[0], np.arange(41))[0, 1]) < 0.3
