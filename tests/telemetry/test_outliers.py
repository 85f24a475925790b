"""Isolated values are replaced; steps, noise and habits stay."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.telemetry.outliers import clean_window, clean_windows, isolated_rates, newest_is_unlike
from pba.types import Floats


def window(rates: Floats) -> Floats:
    telemetry = np.full((len(rates), 5), np.nan)
    telemetry[:, 0] = rates
    return telemetry


def steady(count: int = 60, mbps: float = 80.0, seed: int = 0) -> Floats:
    return mbps * np.exp(np.random.default_rng(seed).normal(0, 0.03, count))


@given(place=st.integers(0, 58), factor=st.floats(4.0, 1e6) | st.floats(0.0, 0.25))
def test_one_odd_rate_becomes_the_mean_of_its_neighbours(place: int, factor: float):
    rates = steady()
    expected = rates[1] if place == 0 else (rates[place - 1] + rates[place + 1]) / 2
    rates[place] *= factor
    cleaned = clean_window(window(rates))
    assert (cleaned.replaced, cleaned.newest_unlike) == (True, False)
    assert cleaned.telemetry[place, 0] == pytest.approx(expected)
    others = np.delete(np.arange(60), place)
    assert (cleaned.telemetry[others, 0] == rates[others]).all()


@given(place=st.integers(2, 57), factor=st.floats(4.0, 1e6) | st.floats(0.0, 0.25))
def test_a_new_level_stays(place: int, factor: float):
    rates = steady()
    rates[place:] *= factor
    assert not clean_window(window(rates)).replaced


@given(st.floats(4.0, 1e6) | st.floats(0.0, 0.25))
def test_the_newest_sample_stays_and_is_named(factor: float):
    rates = steady()
    rates[-1] *= factor
    cleaned = clean_window(window(rates))
    assert (cleaned.replaced, cleaned.newest_unlike) == (False, True)
    assert cleaned.telemetry[-1, 0] == rates[-1]
    assert cleaned.without_newest[-1, 0] == rates[-2]


@pytest.mark.parametrize("place", [0, 3, 30, 58])
@pytest.mark.parametrize(
    ("mbps", "spread", "stays"),
    [(1.0, 3.0, True), (1.0, 1.2, False), (900.0, 3.0, False)],
    ids=["low", "low of a steady link", "high"],
)
def test_a_low_of_a_varying_link_stays(place: int, mbps: float, spread: float, stays: bool):
    rates = np.where(np.arange(60) % 2, 80.0, 80.0 / spread)
    rates[place] = mbps
    cleaned = clean_window(window(rates))
    assert (cleaned.telemetry[place, 0] == mbps) == stays
    assert cleaned.replaced != stays
    assert not cleaned.newest_unlike


def test_a_low_of_a_steady_link_is_replaced_beside_a_spike():
    rates = steady()
    rates[2], rates[8] = 0.0, 90_000.0
    assert clean_window(window(rates)).telemetry[:, 0] == pytest.approx(80.0, rel=0.15)


def test_what_happens_often_is_how_the_link_behaves():
    rates = steady(120)
    rates[40::6] = 0.0
    assert isolated_rates(rates)[:3] == [40, 46, 52]
    assert 58 not in isolated_rates(rates), "three of the 30 samples before were isolated too"


def test_a_rate_within_those_of_the_last_30_samples_stays():
    rates = steady()
    rates[20:24] = 900.0
    rates[40] = 900.0
    assert isolated_rates(rates) == []


def test_too_few_samples_tell_nothing():
    assert not newest_is_unlike(np.array([80.0, 80.0, 80.0, 80.0, 900.0]), [])
    assert newest_is_unlike(np.array([80.0, 80.0, 80.0, 80.0, 80.0, 900.0]), [])


@pytest.mark.parametrize("sentinel_ms", [600_030.0, 1_800_000.0])
@pytest.mark.parametrize("place", [0, 30, 58, 59])
def test_a_ping_that_failed_becomes_missing(sentinel_ms: float, place: int):
    telemetry = np.tile([9400.0, 0.3, 0.0, 0.05, np.nan], (60, 1))
    telemetry[place, 1] = sentinel_ms
    cleaned = clean_window(telemetry)
    assert cleaned.replaced
    assert np.isnan(cleaned.telemetry[place, 1])
    assert np.nanmax(cleaned.telemetry[:, 1]) == 0.3
    assert (cleaned.telemetry[:, 0] == 9400.0).all()


def test_sparse_pings_are_judged_among_themselves():
    telemetry = window(steady())
    telemetry[::5, 1] = 40.0
    telemetry[25, 1] = 600_030.0
    cleaned = clean_window(telemetry)
    assert np.nanmax(cleaned.telemetry[:, 1]) == 40.0


def test_a_full_queue_is_no_outlier():
    telemetry = np.tile([80.0, 40.0, 0.0, 2.0, np.nan], (60, 1))
    telemetry[30:33, 1] = 390.0
    assert not clean_window(telemetry).replaced


@given(st.integers(0, 2**32 - 1))
def test_many_windows_are_cleaned_as_each_alone(seed: int):
    rng = np.random.default_rng(seed)
    windows = np.stack([window(steady(seed=int(rng.integers(1e6)))) for _ in range(6)])
    windows[:, :, 1] = rng.uniform(20, 30, windows.shape[:2])
    odd = rng.random(windows.shape[:2]) < 0.02
    windows[odd, 0] *= rng.choice([0.0, 40.0])
    windows[rng.random(windows.shape[:2]) < 0.01, 1] = 600_030.0
    together = clean_windows(windows)
    for alone, cleaned in zip(windows, together, strict=True):
        assert np.array_equal(clean_window(alone).telemetry, cleaned, equal_nan=True)
