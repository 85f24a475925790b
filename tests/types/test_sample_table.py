"""Samples as a table: what is wrong with each row, against a plain check of one row at a time."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.errors import InvalidHistory, InvalidInput, InvalidSample
from pba.types import COLUMNS, LIMITS, History, SampleTable

values = st.one_of(st.sampled_from([0.0, 0.5, 1.0, 1e7, -1.0, 1e9, math.nan, math.inf, -math.inf]))
times = st.one_of(st.floats(0, 50), st.sampled_from([-1.0, 1e12, math.nan, math.inf]))
rows = st.tuples(times, *[values] * 5)


def table(samples: list[tuple[float, ...]]) -> SampleTable:
    array = np.array(samples, dtype=float).reshape(-1, 6)
    return SampleTable.of(array[:, 0].copy(), array[:, 1:].copy())


def plain_error(sample: tuple[float, ...]) -> str | None:
    """Return the field of the first rule that a sample breaks."""
    if not 0 <= sample[1] <= 1e7:
        return "bandwidth_mbps"
    return None if 0 <= sample[0] < 253_402_300_800 else "timestamp"


@given(st.lists(rows, max_size=6))
def test_each_row_is_checked_for_itself(samples: list[tuple[float, ...]]):
    checked = table(samples)
    for row, sample in enumerate(samples):
        field = plain_error(sample)
        assert checked.wrong[row] == (field is not None)
        if field is not None:
            assert checked.error(row).field == field
        limits = list(LIMITS.values())[1:]
        out = [
            not 0 <= value <= limit.highest for value, limit in zip(sample[2:], limits, strict=True)
        ]
        missing = [math.isnan(value) for value in sample[2:]]
        assert checked.ignored[row] == sum(out) - sum(missing)
        assert np.isnan(checked.telemetry[row, 1:]).tolist() == out


@given(st.lists(st.lists(rows, max_size=4), max_size=4))
def test_histories_are_those_that_the_constructor_gives_or_their_first_error(
    parts: list[list[tuple[float, ...]]],
):
    counts = [len(part) for part in parts]
    whole = table([sample for part in parts for sample in part])
    for part, history in zip(parts, whole.histories(counts), strict=True):
        alone = table(part)
        bare = alone.telemetry.copy()
        try:
            expected = History(alone.timestamps_s, bare)
        except InvalidInput:
            assert isinstance(history, InvalidInput)
            assert history.field == f"history[{first_wrong(part)}].{first_field(part)}"
        else:
            assert isinstance(history, History)
            np.testing.assert_array_equal(history.timestamps_s, expected.timestamps_s)
            np.testing.assert_array_equal(history.telemetry, expected.telemetry)


def first_wrong(part: list[tuple[float, ...]]) -> int:
    return next(row for row in range(len(part)) if is_wrong(part, row))


def first_field(part: list[tuple[float, ...]]) -> str:
    return plain_error(part[first_wrong(part)]) or "timestamp"


def is_wrong(part: list[tuple[float, ...]], row: int) -> bool:
    late = row > 0 and part[row][0] <= part[row - 1][0]
    return late or plain_error(part[row]) is not None


def test_an_error_in_one_history_names_its_own_samples_and_leaves_the_others():
    good, late = [(1.0, *[0.5] * 5), (2.0, *[0.5] * 5)], [(9.0, *[0.5] * 5), (9.0, *[0.5] * 5)]
    negative = [(0.0, *[0.5] * 5), (1.0, -1.0, *[0.5] * 4)]
    results = table([*good, *late, *negative, *good]).histories([2, 2, 2, 0, 2])
    first, second, third, empty, last = results
    assert isinstance(second, InvalidHistory)
    assert "history[0] is at 9.000000 s and history[1]" in second.message
    assert second.field == "history[1].timestamp"
    assert isinstance(third, InvalidSample)
    assert third.field == "history[1].bandwidth_mbps"
    assert [len(part) for part in (first, empty, last) if isinstance(part, History)] == [2, 0, 2]


def test_which_histories_had_values_out_of_range_is_known():
    fine, odd = (1.0, *[0.5] * 5), (2.0, 0.5, 0.5, 1.7, 0.5, 0.5)
    whole = table([fine, odd, fine, odd])
    assert whole.any_ignored([1, 1, 0, 2]) == [False, True, False, True]
    assert COLUMNS[2] == "packet_loss"


@pytest.mark.parametrize(
    ("timestamp_s", "remedy"),
    [
        (1_772_366_400_000.0, "milliseconds: divide by 1000."),
        (1.7723664e15, "microseconds: divide by 1000000."),
        (1.7723664e18, "nanoseconds: divide by 1000000000."),
        (-5.0, "Send seconds"),
        (4e13, "Send seconds"),
        (1e300, "timestamp is 1e+300"),
    ],
)
def test_a_time_in_another_unit_gets_the_remedy_where_that_is_plausible(
    timestamp_s: float, remedy: str
):
    assert remedy in table([(timestamp_s, *[0.5] * 5)]).error(0).message


def test_each_history_has_its_own_marks():
    marks = np.array([False, True, False])
    rows = SampleTable.of(np.arange(3.0), np.ones((3, 5)), during_transfer=marks)
    first, second = rows.histories([2, 1])
    assert isinstance(first, History)
    assert isinstance(second, History)
    assert first.during_transfer.tolist() == [False, True]
    assert second.during_transfer.tolist() == [False]
