"""The slope of memory, which decides whether a soak has passed."""

import numpy as np
import pytest

from benchmarks.memory_slope import slope

HOURS = np.arange(300) / 720  # each five seconds, for 25 minutes


def noise(correlation: float, rng: np.random.Generator) -> np.ndarray:
    values = rng.normal(0, 1, len(HOURS))
    for at in range(1, len(values)):
        values[at] += correlation * values[at - 1]
    return values


def test_a_line_without_noise_has_its_slope():
    assert slope(HOURS, 3 + 20 * HOURS) == pytest.approx((20, 20, 20), abs=1e-6)


@pytest.mark.parametrize("correlation", [0.0, 0.6, 0.9])
def test_the_interval_holds_the_slope_as_often_as_it_says(correlation: float):
    rng = np.random.default_rng(1)
    rises = [slope(HOURS, 5 * HOURS + noise(correlation, rng)) for _ in range(400)]
    share = np.mean([rise.low <= 5 <= rise.high for rise in rises])
    assert 0.92 <= share <= 0.99
    assert np.mean([rise.estimate for rise in rises]) == pytest.approx(5, abs=0.6)


def test_a_leak_of_twenty_mb_an_hour_is_seen_in_25_minutes():
    rng = np.random.default_rng(2)
    assert all(slope(HOURS, 20 * HOURS + noise(0.6, rng)).high > 10 for _ in range(50))
