from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.rollout.sequential_test import bayes_factor, verdict


@given(wins=st.integers(0, 200), losses=st.integers(0, 200))
def test_before_the_next_outcome_evidence_is_expected_to_stay_what_it_is(wins: int, losses: int):
    expected = (bayes_factor(wins + 1, losses) + bayes_factor(wins, losses + 1)) / 2
    assert expected == pytest.approx(bayes_factor(wins, losses), rel=1e-9)
    assert bayes_factor(wins, losses) == pytest.approx(bayes_factor(losses, wins))


def test_of_comparisons_without_a_difference_few_ever_decide():
    rng = np.random.default_rng(11)
    wrong = 0
    for _ in range(200):
        outcomes = rng.random(400) < 0.5
        wins = accumulate(outcomes.tolist())
        wrong += any(verdict(w, n - w) != "undecided" for n, w in enumerate(wins, 1))
    assert wrong <= 16, "5 % of 200 and two standard deviations"


def test_much_evidence_is_a_number_still():
    assert bayes_factor(100_000, 0) > 1e300
    assert verdict(0, 100_000) == "worse"
