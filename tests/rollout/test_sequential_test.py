"""The sequential test agrees with a plain version, and holds where outcomes are dependent."""

from itertools import pairwise
from math import exp, lgamma, log, sqrt

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from pba.rollout.sequential_test import (
    BLOCKS_NEEDED,
    THRESHOLD,
    autocorrelation,
    evidence_after_blocks,
    evidence_of_blocks,
    evidence_of_links,
    first_decision,
    look,
    threshold,
)

nets = st.tuples(st.integers(1, 20), st.integers(1, 24)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(-9, 9))
)


def stake(values: list[float], bets: list[float]) -> float:
    """Return the log of the mean over bets of what all values multiply a stake by."""
    size = sqrt(sum(value**2 for value in values) / len(values)) or 1.0
    return mean_stake([[bet * value / size for value in values] for bet in bets])


def mean_stake(bets: list[list[float]]) -> float:
    logs = [sum(-log((1 + exp(-2 * part)) / 2) for part in parts) for parts in bets]
    most = max(logs)
    return most + log(sum(exp(one - most) for one in logs) / len(logs))


def plain_evidence(net: list[list[int]]) -> float:
    """Return the evidence of all blocks, one number after the other."""
    sums = [float(sum(column)) for column in zip(*net, strict=True)]
    n = len(sums)
    if n < 3:
        result = 0.0
    else:
        scales = [sqrt(sum(x * x for x in sums[: k + 1]) / (k + 1)) or 1.0 for k in range(n)]
        bets = [side * bet for side in (1, -1) for bet in (1 / 16, 1 / 8, 1 / 4, 1 / 2)]
        units = [x / scale for x, scale in zip(sums, scales, strict=True)]
        result = mean_stake([[bet * unit for unit in units] for bet in bets])
        mean = sum(sums) / n
        spread = sum((x - mean) ** 2 for x in sums)
        r = sum((a - mean) * (b - mean) for a, b in pairwise(sums)) / spread if spread else 0.0
        r = min(max(r + (1 + 4 * r) / n, 0.0), 0.95)
        result *= (1 - r) / (1 + r)
    if len(net) >= 16:
        totals = [float(sum(row)) for row in net]
        bets = [side * bet for side in (1, -1) for bet in (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)]
        result = min(result, stake(totals, bets))
    return exp(min(result, 700.0))


@given(net=nets)
def test_the_evidence_is_that_of_a_plain_version_after_every_block(net: np.ndarray):
    expected = [plain_evidence(net[:, : k + 1].tolist()) for k in range(net.shape[1])]
    assert evidence_after_blocks(net) == pytest.approx(expected, rel=1e-6)


@given(net=nets)
def test_a_look_at_sums_and_a_histogram_of_links_has_the_evidence_of_the_whole_table(
    net: np.ndarray,
):
    totals, counts = np.unique(net.sum(axis=1), return_counts=True)
    result = look(net.sum(axis=0), totals, counts)
    assert result.evidence == pytest.approx(evidence_after_blocks(net)[-1], rel=1e-9)


@given(net=nets)
def test_exchanged_arms_have_the_same_evidence_and_the_opposite_verdict(net: np.ndarray):
    assert evidence_after_blocks(-net) == pytest.approx(evidence_after_blocks(net))
    blocks, sign = first_decision(net)
    other_blocks, other_sign = first_decision(-net)
    assert (blocks, sign) == (other_blocks, -other_sign)


@given(net=nets)
def test_a_batch_of_comparisons_has_the_evidence_of_each(net: np.ndarray):
    both = evidence_after_blocks(np.stack([net, 2 * net[:, ::-1]]))
    assert both[0] == pytest.approx(evidence_after_blocks(net))
    assert both[1] == pytest.approx(evidence_after_blocks(net[:, ::-1]))


def test_blocks_that_all_agree_decide_after_as_many_as_are_needed():
    net = np.full((20, 40), 3) + np.arange(40) % 2  # no two neighbours alike
    assert first_decision(net) == (BLOCKS_NEEDED, 1.0)
    assert first_decision(-net) == (BLOCKS_NEEDED, -1.0)


def test_growing_blocks_do_not_decide_before_enough_of_them_are_closed():
    sums = (2.0 ** np.arange(13)) * (3 + np.arange(13) % 2)
    assert look(sums, np.array([1]), np.array([1]), decides=1.5).verdict == "undecided"


def test_links_of_which_few_speak_for_all_decide_nothing():
    net = np.zeros((20, 40), dtype=int)
    net[0] = 30 + np.arange(40) % 2
    assert evidence_of_blocks(net.sum(axis=0))[-1] > log(THRESHOLD)
    assert first_decision(net) == (0, 0.0)
    assert first_decision(net[:15]) == (BLOCKS_NEEDED, 1.0), "too few links to be units"


def test_without_blocks_there_is_no_evidence():
    none = np.array([], dtype=int)
    assert look(none, none, none).evidence == 1.0
    assert look(none, none, none).verdict == "undecided"


def test_blocks_and_links_without_a_difference_are_no_evidence():
    assert evidence_after_blocks(np.zeros((30, 20), dtype=int)) == pytest.approx(np.ones(20))


def test_the_threshold_is_shared_between_tests():
    assert (threshold(1), threshold(4)) == (20.0, 80.0)
    sums = 9 + np.arange(14) % 2
    links = np.array([1]), np.array([5])
    assert look(sums, *links).verdict == "better"
    assert look(sums, *links, decides=threshold(4)).verdict == "undecided"


def test_the_autocorrelation_of_runs_is_high_and_that_of_turns_is_none():
    assert autocorrelation(np.repeat([5, -5, 5, -5], 10))[-1] > 0.8
    assert autocorrelation(np.tile([5, -5], 20))[-1] == 0.0


def test_the_evidence_of_links_has_an_upper_limit_a_link():
    assert evidence_of_links(np.array([1000.0, 0.0, 0.0])) <= 3 * log(2.0)


def test_large_counts_do_not_overflow():
    net = np.full((15, 5000), 10**6) + np.arange(5000) % 2
    assert evidence_after_blocks(net)[-1] > 1e300


def dependent_arms(runs: int, links: int, blocks: int) -> tuple[np.ndarray, np.ndarray]:
    """Return wins and losses, ``(run, link, block)``, of equal arms that take turns of a block.

    In each turn one arm wins nine of ten samples on which they differ.
    """
    rng = np.random.default_rng(5)
    ahead = rng.choice([0.1, 0.9], (runs, links, blocks))
    wins = rng.binomial(90, ahead)
    return wins, 90 - wins


def is_decided_by_coins(wins: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """Return whether a Bayes factor that takes pairs as coins ever reaches 20, ``(run,)``."""
    won, lost = (np.cumsum(one.sum(axis=1), axis=1) for one in (wins, losses))
    logs = [
        [lgamma(w + 1) + lgamma(n + 1) - lgamma(w + n + 2) + (w + n) * log(2.0) for w, n in row]
        for row in np.stack([won, lost], axis=-1).tolist()
    ]
    return (np.array(logs) >= log(THRESHOLD)).any(axis=1)


@pytest.mark.parametrize("links", [5, 20])
def test_equal_arms_that_take_turns_are_seldom_decided_though_their_pairs_are_no_coins(links: int):
    wins, losses = dependent_arms(200, links, 40)
    decided = first_decision(wins - losses)[0] > 0
    assert is_decided_by_coins(wins, losses).mean() > 0.5
    assert decided.mean() <= 0.05


def test_a_better_arm_is_noticed_though_the_arms_take_turns():
    wins, losses = dependent_arms(100, 20, 60)
    _, sign = first_decision(wins - losses + 12)
    assert (sign > 0).mean() > 0.8
    assert (sign < 0).mean() <= 0.05
