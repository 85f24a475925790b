import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.forecasting.calibration import Reliability

SHARES = st.floats(0.0, 1.0)


def reliability(confidence: float, accuracy: float, count: int) -> Reliability:
    """Return the reliability after ``count`` outcomes of forecasts of one confidence."""
    result = Reliability()
    for hit in np.random.default_rng(0).random(count) < accuracy:
        result = result.after(confidence, bool(hit))
    return result


def test_a_calibrated_link_keeps_its_confidence():
    assert reliability(0.8, 0.8, 2000).adapt(0.8) == pytest.approx(0.8, abs=0.02)
    assert Reliability().adapt(0.123) == 0.123


def test_the_confidence_of_a_worse_link_falls_towards_its_accuracy():
    short, long = reliability(0.9, 0.5, 50), reliability(0.9, 0.5, 3000)
    assert 0.5 < long.adapt(0.9) < short.adapt(0.9) < 0.9
    # 500 outcomes count, and 200 of the prior: (500 * .5 + 200 * .9) / 700.
    assert long.adapt(0.9) == pytest.approx(0.614, abs=0.03)


def test_old_outcomes_fade():
    changed = reliability(0.8, 0.2, 1000)
    for _ in range(3000):
        changed = changed.after(0.8, hit=True)
    assert changed.adapt(0.8) > 0.9


@given(st.lists(st.tuples(SHARES, st.booleans()), max_size=50), SHARES, SHARES)
def test_adaptation_is_monotone_and_gives_a_probability(
    outcomes: list[tuple[float, bool]], one: float, other: float
):
    result = Reliability()
    for confidence, hit in outcomes:
        result = result.after(confidence, hit)
    low, high = (result.adapt(value) for value in sorted((one, other)))
    assert 0.0 <= low <= high <= 1.0
