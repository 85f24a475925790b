"""The harmonic mean of the last few samples, against the standard library's."""

import statistics

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.errors import InvalidInput
from pba.models.harmonic_mean import HarmonicMean
from pba.models.mean import Mean

rates = st.lists(st.floats(1e-6, 1e7), min_size=2, max_size=70)


@given(rates, st.integers(1, 80))
def test_every_estimate_is_the_harmonic_mean_of_what_was_known(found, count):
    plain = [
        statistics.harmonic_mean(found[max(0, end - count) : end])
        for end in range(1, len(found) + 1)
    ]
    estimates = HarmonicMean(count).estimates(np.array([found]))[0]
    np.testing.assert_allclose(estimates, plain, rtol=1e-9)


@given(rates)
def test_it_is_never_above_the_mean(found):
    window = np.array([found])
    assert (HarmonicMean().estimates(window) <= Mean().estimates(window) * (1 + 1e-9)).all()


def test_a_harmonic_mean_of_no_samples_is_refused():
    with pytest.raises(InvalidInput, match="at least 1"):
        HarmonicMean(0)
