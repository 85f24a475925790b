"""The screen for outliers never misses a series that has one."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from pba.telemetry.outlier_screen import series_to_check
from pba.telemetry.outliers import isolated_rates, outliers_and_newest

RATES = (100.0, 101.0, 95.0, 120.0, 80.0, 260.0, 300.0, 310.0, 4349.0, 30.0, 5.0, 0.02, 0.0)


def checked(series: list[np.ndarray]) -> set[int]:
    """Return which of ``series`` the screen chooses."""
    ends = np.cumsum([0, *(len(one) for one in series)])
    rates = np.concatenate([np.empty(0), *series])
    return set(series_to_check(rates, ends[:-1], ends[1:]).tolist())


def random_series(seed: int, share: float) -> np.ndarray:
    """Return a series in which about ``share`` of the rates are unusual."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(0, 80))
    rates = rng.choice(RATES[:5], count)
    return np.where(rng.random(count) < share, rng.choice(RATES, count), rates)


series = st.builds(random_series, st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.1, 0.5]))


@settings(max_examples=100, deadline=None)
@given(st.lists(series, max_size=6))
def test_every_series_with_an_outlier_or_a_newest_sample_unlike_the_others_is_checked(
    several: list[np.ndarray],
):
    chosen = checked(several)
    for row, rates in enumerate(several):
        if len(rates) and (isolated_rates(rates) or outliers_and_newest(rates)[1]):
            assert row in chosen, rates.tolist()


@pytest.mark.parametrize("spread", [0.05, 0.3])
def test_series_that_vary_without_outliers_are_not_checked(spread: float):
    noise = np.random.default_rng(3).normal(0.0, spread, (300, 80))
    assert len(checked(list(100.0 * np.exp(noise)))) <= 3


def test_a_new_level_is_checked_while_its_first_sample_is_the_newest():
    level = np.array([80.0] * 40 + [400.0] * 3)
    assert checked([level[:41], level[:42], level]) == {0}
