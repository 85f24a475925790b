"""The estimates of the last value."""

import numpy as np

from pba.models.last_value import LastValue


def test_the_estimate_after_each_sample_is_that_sample():
    rates = np.array([[3.0, 1.0, 2.0], [1e-6, 1e7, 5.0]])
    np.testing.assert_array_equal(LastValue().estimates(rates), rates)
