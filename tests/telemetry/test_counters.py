"""No counter gives an absurd rate, whatever it does."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from pba.telemetry.counters import counter_bits, counter_rates


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("ifInOctets", 32),
        ("ifHCOutOctets", 64),
        ("node_network_receive_bytes_total", 64),
        ("bytes_sent", 64),
        ("rx_bytes", 64),
        ("bandwidth_mbps", None),
        ("bytes_sec", None),
        ("download bytes", None),
    ],
)
def test_counters_are_known_by_name(name: str, bits: int | None):
    assert counter_bits(name) == bits


@given(
    st.lists(st.floats(0, 1e7), min_size=3, max_size=40),
    st.lists(st.integers(30, 90), min_size=40, max_size=40),
    st.integers(0, 2**32 - 1),
)
@settings(deadline=None)
def test_rates_survive_wraps_and_late_polls(rates: list[float], waits: list[int], first: int):
    waits = waits[: len(rates)]
    octets = [int(rate * wait) for rate, wait in zip(rates, waits, strict=True)]
    times = np.cumsum([0, *waits]).astype(float)
    readings = np.array([(first + sum(octets[:n])) % 2**32 for n in range(len(rates) + 1)], float)
    result = counter_rates(times, readings, 32)
    expected = np.array(octets) / np.array(waits)
    known = ~np.isnan(result.per_s[1:])
    np.testing.assert_allclose(result.per_s[1:][known], expected[known], rtol=1e-6, atol=1e-6)
    plain = int((np.diff(readings) >= 0).sum())
    assert known.sum() >= plain - 2 * result.glitches


@given(st.lists(st.integers(0, 2**64 - 1), min_size=2, max_size=30), st.sampled_from([32, 64]))
@settings(deadline=None)
def test_no_fall_means_a_rate_above_twice_the_highest_rise(readings: list[int], bits: int):
    times = np.arange(len(readings)) * 10.0
    result = counter_rates(times, np.array(readings, float), bits)
    known = result.per_s[~np.isnan(result.per_s)]
    assert (known >= 0).all()
    highest_rise = (max(readings) - min(readings)) / 10.0
    assert (known <= 2 * highest_rise * (1 + 1e-9)).all()


def test_a_restart_has_no_rate_and_the_rates_around_it_do():
    times, readings = np.arange(5) * 60.0, np.array([1e12, 1e12 + 6e8, 3e8, 9e8, 15e8])
    result = counter_rates(times, readings)
    np.testing.assert_array_equal(result.per_s, [np.nan, 1e7, np.nan, 1e7, 1e7])
    assert (result.resets, result.wraps) == (1, 0)


def test_a_single_reading_of_zero_is_skipped():
    times, readings = np.arange(4) * 60.0, np.array([6e12, 0.0, 6e12 + 12e8, 6e12 + 18e8])
    result = counter_rates(times, readings)
    np.testing.assert_array_equal(result.per_s, [np.nan, np.nan, 1e7, 1e7])
    assert (result.resets, result.glitches) == (0, 1)


def test_two_readings_at_one_time_have_no_rate():
    result = counter_rates(np.array([0.0, 10.0, 10.0, 20.0]), np.array([0.0, 100.0, 100.0, 200.0]))
    np.testing.assert_array_equal(result.per_s, [np.nan, 10.0, np.nan, 10.0])
