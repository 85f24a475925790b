"""The moving average, against the recursion that defines it."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.errors import InvalidInput
from pba.models.ewma import Ewma
from pba.models.last_value import LastValue


@given(st.lists(st.floats(1e-6, 1e7), min_size=2, max_size=70), st.floats(0.05, 1.0))
def test_every_estimate_follows_the_recursion(rates, alpha):
    plain = [rates[0]]
    for rate in rates[1:]:
        plain.append(alpha * rate + (1 - alpha) * plain[-1])
    np.testing.assert_allclose(Ewma(alpha).estimates(np.array([rates]))[0], plain, rtol=1e-9)


def test_at_alpha_one_it_is_the_last_value():
    rates = np.array([[3.0, 1.0, 2.0]])
    np.testing.assert_array_equal(Ewma(1.0).estimates(rates), LastValue().estimates(rates))


@pytest.mark.parametrize("alpha", [0.0, -0.5, 1.01, float("nan")])
def test_a_weight_outside_its_range_is_refused(alpha):
    with pytest.raises(InvalidInput, match="alpha is"):
        Ewma(alpha)
