"""The sequential test agrees with an integral, decides soon, and seldom decides wrongly."""

from fractions import Fraction
from functools import cache
from math import comb

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.rollout.sequential_test import bayes_factor, verdict


@cache
def integral(wins: int, losses: int) -> Fraction:
    """Return ``2**n`` times the integral of ``p**wins * (1 - p)**losses`` over 0 to 1, exactly.

    The power of ``1 - p`` is expanded by the binomial theorem, and each term is integrated.
    """
    terms = (
        Fraction((-1) ** power * comb(losses, power), wins + power + 1)
        for power in range(losses + 1)
    )
    return 2 ** (wins + losses) * sum(terms, Fraction(0))


@given(wins=st.integers(0, 60), losses=st.integers(0, 60))
def test_the_factor_is_the_mean_likelihood_over_that_of_a_fair_coin(wins: int, losses: int):
    assert bayes_factor(wins, losses) == pytest.approx(float(integral(wins, losses)), rel=1e-9)


@pytest.mark.parametrize(
    ("wins", "losses", "result"),
    [
        (7, 0, "undecided"),  # 2**7 / 8 = 16
        (8, 0, "better"),  # 2**8 / 9 = 28.4
        (0, 8, "worse"),
        (10, 1, "undecided"),
        (11, 1, "better"),
    ],
)
def test_few_pairs_decide_if_they_agree(wins: int, losses: int, result: str):
    assert verdict(wins, losses) == result


def test_the_test_decides_when_the_factor_reaches_20():
    for wins in range(40):
        for losses in range(40):
            decided = integral(wins, losses) >= 20
            winner = "better" if wins > losses else "worse"
            assert verdict(wins, losses) == (winner if decided else "undecided"), (wins, losses)


def decided_by(pairs: int, win_probability: float) -> tuple[float, float]:
    """Return the exact probabilities that ``better`` and ``worse`` come first within ``pairs``.

    The distribution of wins among undecided comparisons is propagated from pair to pair.
    """
    undecided = np.array([1.0])
    better = worse = 0.0
    for count in range(1, pairs + 1):
        wins = np.append(0.0, undecided * win_probability)
        losses = np.append(undecided * (1.0 - win_probability), 0.0)
        undecided = wins + losses
        for number in np.flatnonzero(undecided):
            result = verdict(int(number), count - int(number))
            if result != "undecided":
                better += undecided[number] * (result == "better")
                worse += undecided[number] * (result == "worse")
                undecided[number] = 0.0
    return better, worse


def test_of_equal_arms_at_most_one_comparison_in_twenty_is_ever_decided():
    better, worse = decided_by(1000, 0.5)
    assert better == pytest.approx(worse)
    # A fixed-sample test at 5 %, evaluated after every pair, would decide nearly half of them.
    assert 0.02 < better + worse <= 0.05


def test_a_simulation_of_equal_arms_agrees_with_the_exact_probability():
    rng = np.random.default_rng(11)
    runs, pairs = 2000, 200
    wins = np.cumsum(rng.random((runs, pairs)) < 0.5, axis=1)
    counts = np.arange(1, pairs + 1)
    table = np.array(
        [
            [verdict(number, count - number) != "undecided" for number in range(count + 1)]
            + [False] * (pairs - count)
            for count in counts
        ]
    )
    share = table[counts - 1, wins].any(axis=1).mean()
    expected = sum(decided_by(pairs, 0.5))
    deviation = (expected * (1.0 - expected) / runs) ** 0.5
    assert abs(share - expected) < 4.0 * deviation


@pytest.mark.parametrize(("win_probability", "pairs"), [(0.9, 30), (0.7, 120), (0.6, 600)])
def test_a_better_arm_is_recognised(win_probability: float, pairs: int):
    better, worse = decided_by(pairs, win_probability)
    assert better > 0.9
    assert worse < 0.01
    assert decided_by(pairs, 1.0 - win_probability) == pytest.approx((worse, better))


def test_large_counts_do_not_overflow():
    assert bayes_factor(100_000, 0) > 1e300
    assert verdict(100_000, 0) == "better"
    assert verdict(0, 100_000) == "worse"
    assert verdict(100_000, 100_000) == "undecided"
