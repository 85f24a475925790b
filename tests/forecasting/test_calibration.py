import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.forecasting.calibration import Reliability

SHARES = st.floats(0.0, 1.0)


def lived(said: float, truth: float, count: int, seed: int = 0) -> Reliability:
    found = Reliability()
    for hit in np.random.default_rng(seed).random(count) < truth:
        found = found.after(said, bool(hit))
    return found


def test_a_link_that_goes_as_said_changes_nothing():
    assert lived(0.8, 0.8, 2000).adapt(0.8) == pytest.approx(0.8, abs=0.02)
    assert Reliability().adapt(0.123) == 0.123


def test_a_link_that_goes_worse_than_said_is_trusted_less_in_the_end_as_it_deserves():
    short, long = lived(0.9, 0.5, 50), lived(0.9, 0.5, 3000)
    assert 0.5 < long.adapt(0.9) < short.adapt(0.9) < 0.9
    # 500 outcomes are remembered and 200 speak for the mode: (500 * .5 + 200 * .9) / 700.
    assert long.adapt(0.9) == pytest.approx(0.614, abs=0.03)


def test_old_outcomes_fade():
    changed = lived(0.8, 0.2, 1000)
    for _ in range(3000):
        changed = changed.after(0.8, hit=True)
    assert changed.adapt(0.8) > 0.9


@given(st.lists(st.tuples(SHARES, st.booleans()), max_size=50), SHARES, SHARES)
def test_what_was_surer_stays_surer_and_a_share_stays_one(
    outcomes: list[tuple[float, bool]], one: float, other: float
):
    found = Reliability()
    for confidence, hit in outcomes:
        found = found.after(confidence, hit)
    low, high = (found.adapt(value) for value in sorted((one, other)))
    assert 0.0 <= low <= high <= 1.0
