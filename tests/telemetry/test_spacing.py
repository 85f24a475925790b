"""The step of a link, whatever its samples' spacing."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.telemetry.spacing import Spacing, merge_close, spacing, starts_of_steps


@pytest.mark.parametrize(
    ("times", "step_s", "regular"),
    [
        ([0.0, 2.0], 2.0, True),
        ([0.0, 1.0, 2.0, 3.5], 1.0, True),
        ([0.0, 1.0, 2.0, 3.51], 1.0, False),
        ([0.0, 1.0, 2.0, 2.5, 3.5], 1.0, True),
        ([0.0, 1.0, 2.0, 2.49, 3.5], 1.0, False),
        ([0.0, 300.0, 600.0, 901.0], 300.0, True),
    ],
)
def test_the_step_is_the_median_interval(times: list[float], step_s: float, regular: bool):
    assert spacing(np.array(times)) == Spacing(step_s, regular)


@given(
    step_s=st.floats(1.0, 3600.0),
    share=st.floats(0.01, 0.24),
    count=st.integers(10, 60),
    odd=st.booleans(),
)
def test_a_second_agent_leaves_the_step_as_it_is(
    step_s: float, share: float, count: int, odd: bool
):
    one = step_s * np.arange(count)
    times = np.sort(np.concatenate([one, one + share * step_s]))[: 2 * count - odd]
    spaced = spacing(times)
    assert spaced.step_s == pytest.approx(step_s)
    assert (spaced.merges, spaced.regular) == (True, True)


@given(st.lists(st.floats(1e-3, 1e5), min_size=1, max_size=80))
def test_the_step_is_within_the_spaces_between_steps(intervals: list[float]):
    times = np.concatenate([[0.0], np.cumsum(intervals)])
    spaced = spacing(times)
    merged, _ = merge_close(times, np.ones((len(times), 5)), spaced.step_s)
    assert min(intervals) * 0.999 <= spaced.step_s <= times[-1] * 1.001
    assert merged[-1] == times[-1]


def test_merged_samples_have_the_means_of_what_was_measured():
    times = np.array([0.0, 1.0, 15.0, 30.0, 31.0])
    values = np.array([[1.0, np.nan], [3.0, 4.0], [5.0, np.nan], [7.0, np.nan], [9.0, np.nan]])
    merged_times, merged = merge_close(times, values, 15.0)
    assert merged_times.tolist() == [1.0, 15.0, 31.0]
    assert merged[:, 0].tolist() == [2.0, 5.0, 8.0]
    assert merged[0, 1] == 4.0
    assert np.isnan(merged[1:, 1]).all()
    assert starts_of_steps(times, 15.0).tolist() == [0, 2, 3]
