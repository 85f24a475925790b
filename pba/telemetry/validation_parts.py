"""The two parts of a set's `val` traces: one tunes a network, the other judges it.

Whatever is chosen (when to stop, the calibration, how far weights move) is chosen on the part that
tunes. The promotion gate looks at the part that judges, which no choice has seen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pba.telemetry.spacing import spacing
from pba.telemetry.trace import Trace
from pba.types import Floats

__all__ = ["FARTHEST_STEPS", "ValidationParts", "divide_validation", "gap_steps", "samples_before"]

FARTHEST_STEPS = 60
"""The farthest step ahead that a network may forecast."""

_LEAST_TRACES = 8
_BLOCKS = 4


@dataclass(frozen=True, slots=True, eq=False)
class ValidationParts:
    """The `val` traces of one set, in two parts without a moment in common.

    Parameters
    ----------
    tune, judge
        Traces, or the earlier and the later part of traces.
    divided_by
        ``trace``, ``time``, or ``nothing`` if no trace is long enough: all of them tune then.
    """

    tune: list[Trace] = field(default_factory=list)
    judge: list[Trace] = field(default_factory=list)
    divided_by: str = "nothing"


def gap_steps(window: int) -> int:
    """Return the steps between the two parts of one trace: a window and the farthest step."""
    return window + FARTHEST_STEPS


def divide_validation(traces: Sequence[Trace], window: int) -> ValidationParts:
    """Divide the `val` traces of one set.

    At least 8 traces of more than ``window`` samples are divided whole. In the order of their names
    they form four blocks of about as many samples, which tune and judge in turn: runs of one set-up
    and of one day have similar names, so that most of them stay together. Fewer traces are each cut
    in time, with a gap of `gap_steps` between the parts; a trace too short for that tunes.

    Parameters
    ----------
    window
        The window of the mode, whichever network is trained: all networks share the parts.
    """
    if sum(len(trace) > window for trace in traces) >= _LEAST_TRACES:
        return _by_trace(traces)
    parts = [_cut(trace, window) for trace in traces]
    judge = [later for _, later in parts if later is not None]
    tune = [earlier for earlier, _ in parts]
    return ValidationParts(tune, judge, "time" if judge else "nothing")


def _by_trace(traces: Iterable[Trace]) -> ValidationParts:
    ordered = sorted(traces, key=lambda trace: trace.trace_id)
    samples = np.array([len(trace) for trace in ordered], dtype=float)
    middle = (np.cumsum(samples) - samples / 2) / samples.sum()
    judges = (_BLOCKS * middle).astype(int) % 2 == 1
    pairs = [*zip(ordered, judges.tolist(), strict=True)]
    return ValidationParts(
        [trace for trace, late in pairs if not late],
        [trace for trace, late in pairs if late],
        "trace",
    )


def _cut(trace: Trace, window: int) -> tuple[Trace, Trace | None]:
    """Return the part that tunes and the part that judges; all of it and None if too short."""
    gap, times_s = gap_steps(window), trace.timestamps_s
    count = (len(trace) - gap) // 2
    if count <= window:
        return trace, None
    free_from_s = times_s[count - 1] + gap * spacing(times_s).step_s
    start = max(count + gap, int(np.searchsorted(times_s, free_from_s)))
    if len(trace) - start <= window:
        return trace, None
    return _rows(trace, slice(count)), _rows(trace, slice(start, None))


def samples_before(timestamps_s: Floats, from_s: float, gap: int) -> int:
    """Return how many of the first samples lie at least ``gap`` steps before ``from_s``.

    Parameters
    ----------
    timestamps_s
        Of one link, increasing, shape ``(sample,)``.
    gap
        In samples and in steps: samples that count as one step do not make the gap shorter.
    """
    before = int(np.searchsorted(timestamps_s, from_s))
    if before < 2:
        return 0
    step_s = spacing(timestamps_s[:before]).step_s
    in_time = int(np.searchsorted(timestamps_s, from_s - gap * step_s, side="right"))
    return max(0, min(before - gap, in_time))


def _rows(trace: Trace, rows: slice) -> Trace:
    return replace(
        trace,
        timestamps_s=trace.timestamps_s[rows],
        telemetry=trace.telemetry[rows],
        during_transfer=None,  # which says nothing to a network
    )
