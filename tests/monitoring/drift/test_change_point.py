"""The split is the least-squares fit, and confidence is honest on noise."""

import numpy as np
import pytest

from pba.monitoring.drift.change_point import MIN_SEGMENT, confidence, split


@pytest.mark.parametrize("seed", range(20))
def test_the_split_minimises_the_squared_error(seed: int):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=int(rng.integers(2 * MIN_SEGMENT, 60)))

    def error(index: int) -> float:
        return sum(float(((part - part.mean()) ** 2).sum()) for part in np.split(values, [index]))

    candidates = range(MIN_SEGMENT, len(values) - MIN_SEGMENT + 1)
    assert split(values) == min(candidates, key=error)


@pytest.mark.parametrize(("phi", "most"), [(0.0, 8), (0.5, 20)])
def test_noise_seldom_looks_like_a_change(phi: float, most: int):
    rng = np.random.default_rng(8)
    certain = 0
    for _ in range(400):
        values = rng.normal(size=120)
        for at in range(1, len(values)):
            values[at] += phi * values[at - 1]
        certain += confidence(values, split(values)) > 0.99
    # 1 % of 400 are 4. With autocorrelation, whose size is estimated, the level is approximate.
    assert certain <= most


def test_a_clear_change_is_certain_and_a_constant_series_too():
    values = np.random.default_rng(1).normal(size=60)
    values[40:] += 3.0
    assert split(values) == 40
    assert confidence(values, 40) > 0.9999
    assert confidence(np.array([1.0] * 10 + [2.0] * 10), 10) == 1.0
