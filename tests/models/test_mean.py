"""The mean of the last few samples, against a plain loop."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.errors import InvalidInput
from pba.models.mean import Mean


@given(st.lists(st.floats(1e-6, 1e7), min_size=2, max_size=70), st.integers(1, 80))
def test_every_estimate_is_the_mean_of_earlier_samples(rates, count):
    estimates = Mean(count).estimates(np.array([rates]))[0]
    plain = [np.mean(rates[max(0, end - count) : end]) for end in range(1, len(rates) + 1)]
    np.testing.assert_allclose(estimates, plain, rtol=1e-9)


def test_five_samples_are_the_default():
    assert Mean().estimates(np.arange(1.0, 8.0)[None])[0, -1] == pytest.approx(5.0)


def test_a_small_rate_after_a_huge_one_is_not_lost():
    rates = np.array([[1e7] * 10 + [1e-6] * 6])
    assert Mean().estimates(rates)[0, -1] == pytest.approx(1e-6)


@pytest.mark.parametrize("count", [0, -3])
def test_a_mean_of_no_samples_is_refused(count):
    with pytest.raises(InvalidInput, match="at least 1"):
        Mean(count)
