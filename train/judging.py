"""The original traces as the gate and the interpolation of weights see them, set by set."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pba.errors import NotEnoughData
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.telemetry.datasets import WindowSet
from pba.telemetry.traces import Trace

__all__ = ["LEAST_MOMENTS", "SMALL_SETS", "points_by_set", "validation_entries"]

SMALL_SETS = "small sets"
"""The name of the figure over all sets that are too small for one of their own."""

LEAST_MOMENTS = 1000
"""Moments below which a set has no figure of its own: it varies by more than the gate allows."""


def points_by_set(sets: Mapping[str, Sequence[Trace]], window: int) -> dict[str, EvaluationPoints]:
    """Return the evaluation points of each set, those of the small sets together.

    A set without a whole window is left out.
    """
    points, small = dict[str, EvaluationPoints](), list[Trace]()
    for name, traces in sets.items():
        if count := _moments(traces, window):
            if count >= LEAST_MOMENTS:
                points[name] = EvaluationPoints.of(traces, window)
            else:
                small += _renamed(name, traces)
    if small:
        points[SMALL_SETS] = EvaluationPoints.of(small, window)
    return points


def _renamed(name: str, traces: Sequence[Trace]) -> Iterator[Trace]:
    """Yield ``traces`` under names that no trace of another set has."""
    for trace in traces:
        yield replace(trace, trace_id=f"{name}/{trace.trace_id}")


def _moments(traces: Sequence[Trace], window: int) -> int:
    try:
        return len(WindowSet.of({"": traces}, window))
    except NotEnoughData:
        return 0


def validation_entries(
    tuning: Mapping[str, Sequence[Trace]], judging: Mapping[str, Sequence[Trace]], window: int
) -> dict[str, dict[str, Any]]:
    """Return for the card how each set's `val` traces are divided, and the moments of each part.

    ``figure`` is the name under which the gate judges the set; empty if no moment of it judges.
    """
    entries = {}
    for name, tune in tuning.items():
        judge = judging[name]
        if not tune:
            continue
        judged = _moments(judge, window)
        figure = name if judged >= LEAST_MOMENTS else SMALL_SETS if judged else ""
        entries[name] = {
            "divided_by": _divided_by(tune, judge),
            "tuning_moments": _moments(tune, window),
            "judging_moments": judged,
            "figure": figure,
        }
    return entries


def _divided_by(tune: Sequence[Trace], judge: Sequence[Trace]) -> str:
    if not judge:
        return "nothing"
    both = {trace.trace_id for trace in tune} & {trace.trace_id for trace in judge}
    return "time" if both else "trace"
