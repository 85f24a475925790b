"""Transfers are scored by the integral of the rate, and censored ones shared out."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.scoring.transfer_sums import (
    LONGEST_S,
    UNSCORED,
    RecordedTransfer,
    TransferSamples,
    TransferSums,
    score_transfer,
)

QUANTILES_S = (5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0)
TRANSFER = RecordedTransfer("a", 100.0, 1e9, "internet", 1.0, 12_500_000, None, QUANTILES_S)
MEGABITS = 100.0


def samples(*rates_mbps: float, step_s: float = 1.0, marked: int | None = None) -> TransferSamples:
    """Return samples from the beginning of the transfer on, whose own rate does not count."""
    rates = np.array([999.0, *rates_mbps])
    marks = np.zeros(len(rates), dtype=bool)
    if marked is not None:
        marks[marked] = True
    return TransferSamples(100.0 + step_s * np.arange(len(rates)), rates, marks)


def outcome(given: TransferSamples, transfer: RecordedTransfer = TRANSFER) -> TransferSums | None:
    return score_transfer(transfer, given, 10.0)


@pytest.mark.parametrize(
    ("rate_mbps", "inside", "faster", "slower"),
    [(10.0, 1, 0, 0), (20.0, 0, 1, 0), (6.0, 0, 0, 1)],
)
def test_a_transfer_ends_when_the_integral_reaches_its_size(rate_mbps, inside, faster, slower):
    sums = TransferSums(1, 0, 0, inside, faster, slower)
    assert outcome(samples(*[rate_mbps] * 30)) == sums


def test_a_transfer_whose_size_is_not_reached_waits():
    assert outcome(samples(*[10.0] * 9)) is None
    assert outcome(samples()) is None


def test_zeros_count():
    assert outcome(samples(*[0.0] * 10, *[50.0] * 2)) == TransferSums(1, 0, 0, 1.0)
    assert outcome(samples(*[0.0] * 20, *[50.0] * 2)).slower == 1.0


def test_after_a_gap_nothing_is_known():
    early = samples(*[10.0] * 5)
    late = TransferSamples(
        np.append(early.timestamps_s, 130.0),
        np.append(early.rate_mbps, 100.0),
        np.append(early.during_transfer, False),
    )
    assert outcome(late) == UNSCORED


def test_a_gap_after_the_end_changes_nothing():
    given = samples(*[10.0] * 12)
    times_s = given.timestamps_s.copy()
    times_s[-1] += 50.0
    assert outcome(given._replace(timestamps_s=times_s)) == TransferSums(1, 0, 0, 1.0)


def test_a_sample_during_a_transfer_ends_what_is_known():
    assert outcome(samples(*[10.0] * 30, marked=4)) == UNSCORED
    assert outcome(samples(*[10.0] * 30, marked=15)) == TransferSums(1, 0, 0, 1.0)
    assert outcome(samples(*[10.0] * 30, marked=0)) == TransferSums(1, 0, 0, 1.0)


def test_the_deadline_censors():
    late = outcome(samples(*[1.0] * 10), replace(TRANSFER, deadline_s=10.0))
    assert late == TransferSums(1, 1, 0, pytest.approx(0.8), pytest.approx(0.0), pytest.approx(0.2))
    too_late = outcome(samples(*[1.0] * 16), replace(TRANSFER, deadline_s=16.0))
    assert (too_late.inside, too_late.slower) == (0.0, 1.0)


def test_without_a_deadline_it_is_observed_for_four_times_the_median():
    assert outcome(samples(*[0.0] * 39)) is None
    assert outcome(samples(*[0.0] * 40)).censored == 1


def test_no_transfer_is_observed_for_longer_than_six_hours():
    endless = replace(TRANSFER, duration_s=(math.inf,) * 7)
    assert endless.limit_s == LONGEST_S
    assert replace(TRANSFER, deadline_s=1e9).limit_s == LONGEST_S
    censored = outcome(samples(*[0.0] * 40, step_s=600.0), replace(endless, step_s=600.0))
    assert (censored.inside, censored.faster, censored.slower) == pytest.approx((0.8, 0.1, 0.1))


def plain_duration_s(rates_mbps: list[float], megabits: float) -> float:
    """Return when so many megabits are through, second by second."""
    for second, rate_mbps in enumerate(rates_mbps):
        if 0 < rate_mbps >= megabits:
            return second + megabits / rate_mbps
        megabits -= rate_mbps
    return math.inf


@given(st.lists(st.integers(0, 200), max_size=60), st.integers(1, 80), st.integers(1, 40_000_000))
def test_a_transfer_is_scored_as_second_by_second(rates_mbps, deadline_s, size_bytes):
    one = replace(TRANSFER, deadline_s=deadline_s + 0.25, size_bytes=size_bytes)
    sums = outcome(samples(*rates_mbps), one)
    duration_s = plain_duration_s(rates_mbps, size_bytes * 8e-6)
    if abs(duration_s - one.limit_s) < 1e-6:
        return  # either is right
    if duration_s < one.limit_s:
        assert (sums.scored, sums.censored) == (1, 0)
        assert sums.slower == (duration_s > QUANTILES_S[5])
    elif len(rates_mbps) >= one.limit_s:
        assert (sums.scored, sums.censored) == (1, 1)
        assert sums.inside + sums.faster + sums.slower == pytest.approx(1.0)
    else:
        assert sums is None


def test_sums_add_up_and_have_shares_where_something_was_scored():
    both = TransferSums(1, 0, 0, 1.0).plus(TransferSums(1, 1, 0, 0.5, 0.0, 0.5)).plus(UNSCORED)
    assert both.as_dict() == {
        "scored": 2,
        "censored": 1,
        "unscored": 1,
        "coverage_80": 0.75,
        "faster": 0.0,
        "slower": 0.25,
    }
    assert UNSCORED.as_dict()["coverage_80"] is None
