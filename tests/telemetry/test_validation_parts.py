"""`val` traces in two parts without a moment in common: by trace, in time, or not at all."""

import numpy as np
import pytest

from pba.telemetry.trace import Trace
from pba.telemetry.validation_parts import divide_validation, gap_steps, samples_before

WINDOW = 10


def trace(name: str, samples: int, step_s: float = 1.0) -> Trace:
    telemetry = np.full((samples, 5), np.nan)
    telemetry[:, 0] = 1.0 + np.arange(samples)
    return Trace(name, "val", np.arange(samples) * step_s, telemetry)


def test_eight_traces_are_divided_whole_into_halves_of_neighbouring_names() -> None:
    traces = [trace(name, 40) for name in "hgfedcba"]
    parts = divide_validation(traces, WINDOW)
    assert parts.divided_by == "trace"
    assert [one.trace_id for one in parts.tune] == ["a", "b", "e", "f"]
    assert [one.trace_id for one in parts.judge] == ["c", "d", "g", "h"]


def test_fewer_traces_are_cut_in_time_with_a_gap_of_a_window_and_sixty_steps() -> None:
    parts = divide_validation([trace(name, 300) for name in "abcdefg"], WINDOW)
    assert parts.divided_by == "time"
    for earlier, later in zip(parts.tune, parts.judge, strict=True):
        assert (len(earlier), len(later)) == (115, 115)
        assert later.timestamps_s[0] - earlier.timestamps_s[-1] == gap_steps(WINDOW) + 1 == 71


def test_traces_without_a_window_do_not_count_as_traces() -> None:
    traces = [*(trace(name, WINDOW) for name in "abcdefgh"), trace("long", 300)]
    parts = divide_validation(traces, WINDOW)
    assert parts.divided_by == "time"
    assert [one.trace_id for one in parts.judge] == ["long"]


@pytest.mark.parametrize(
    ("samples", "tuning", "judging"), [(91, 91, 0), (92, 11, 11), (93, 11, 12), (94, 12, 12)]
)
def test_a_trace_too_short_for_two_windows_and_a_gap_tunes(
    samples: int, tuning: int, judging: int
) -> None:
    parts = divide_validation([trace("a", samples)], WINDOW)
    assert (sum(map(len, parts.tune)), sum(map(len, parts.judge))) == (tuning, judging)
    assert parts.divided_by == ("time" if judging else "nothing")


def test_samples_that_count_as_one_step_do_not_shorten_the_gap() -> None:
    pairs = trace("a", 600)
    pairs.timestamps_s[:] = np.repeat(np.arange(300) * 15.0, 2) + np.tile([0.0, 1.0], 300)
    parts = divide_validation([pairs], WINDOW)
    pause_s = parts.judge[0].timestamps_s[0] - parts.tune[0].timestamps_s[-1]
    assert pause_s >= gap_steps(WINDOW) * 15.0


@pytest.mark.parametrize(
    ("from_s", "count"), [(0.0, 0), (1.0, 0), (70.0, 0), (71.0, 1), (200.5, 131), (1e9, 230)]
)
def test_samples_before_a_time_keep_the_gap(from_s: float, count: int) -> None:
    assert samples_before(np.arange(300.0), from_s, gap_steps(WINDOW)) == count
