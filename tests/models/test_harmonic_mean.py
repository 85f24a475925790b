"""The harmonic mean of the last few samples, against the standard library's."""

import statistics

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.errors import InvalidInput
from pba.models.harmonic_mean import HarmonicMean
from pba.models.mean import Mean

rate_lists = st.lists(st.floats(1e-6, 1e7), min_size=2, max_size=70)


@given(rate_lists, st.integers(1, 80))
def test_every_estimate_is_the_harmonic_mean_of_earlier_samples(rates, count):
    plain = [
        statistics.harmonic_mean(rates[max(0, end - count) : end])
        for end in range(1, len(rates) + 1)
    ]
    estimates = HarmonicMean(count).estimates(np.array([rates]))[0]
    np.testing.assert_allclose(estimates, plain, rtol=1e-9)


@given(rate_lists)
def test_it_is_never_above_the_mean(rates):
    window = np.array([rates])
    assert (HarmonicMean().estimates(window) <= Mean().estimates(window) * (1 + 1e-9)).all()


def test_a_harmonic_mean_of_no_samples_is_refused():
    with pytest.raises(InvalidInput, match="at least 1"):
        HarmonicMean(0)
