"""Rates in another unit are recognised, changes of a link are not."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.telemetry.suspect_units import unit_suspected

BEFORE = 6.0 * np.exp(np.random.default_rng(1).normal(0, 0.03, 30))


@pytest.mark.parametrize("factor", [8.0, 1e3, 1e6])
def test_five_samples_in_another_unit_are_recognised(factor: float):
    wrong = factor * BEFORE[:5]
    assert unit_suspected(np.concatenate([BEFORE, wrong]))
    assert factor == 1e6 or not unit_suspected(np.concatenate([BEFORE, wrong[:4]]))


def test_faster_than_any_port_is_recognised_at_once():
    assert unit_suspected(np.array([5.9e6, 5.95e6]))
    assert not unit_suspected(np.array([790_000.0, 800_000.0]))


@given(st.floats(0.0, 6.0) | st.floats(10.0, 700.0))
def test_other_changes_of_the_rate_are_not(factor: float):
    assert not unit_suspected(np.concatenate([BEFORE, factor * BEFORE[:5]]))
