"""The first half of a forecast's way: from a query to the calls of the models.

`pba.assembly` is the second. Nothing in either waits or knows where models run, so one process and
a cluster share them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pba import baseline
from pba.allocation import AllocationRequest
from pba.distribution import Bins, Decoded, decode
from pba.errors import InvalidHistory
from pba.models.base import Prediction
from pba.modes import PROFILES, detect_mode
from pba.record import LinkRecord
from pba.rollout import Arm
from pba.types import Floats, History, NetworkMode
from pba.windows import GAP_INTERVALS, UNSTABLE, restlessness, since_last_gap, spacing

__all__ = ["Absent", "Answer", "Batch", "Plan", "Query", "batches", "check_history", "plan"]

_WINDOWS: Mapping[str, int] = {
    **{mode: profile.window for mode, profile in PROFILES.items()},
    baseline.NAME: baseline.WINDOW,
}


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A request for a forecast.

    ``mode`` None means that it is detected; ``record`` None that nothing is known of the link;
    ``allocation`` None that no advice is asked for; ``arm`` None that whoever answers for the link
    is asked, v3 where nothing decides.
    """

    history: History
    mode: NetworkMode | None = None
    link_id: str | None = None
    record: LinkRecord | None = None
    allocation: AllocationRequest | None = None
    arm: Arm | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What a query comes to: the window, the mode, and the models to ask (perhaps none)."""

    query: Query
    window: History
    step_s: float
    mode: NetworkMode
    models: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def arm(self) -> Arm:
        """Who answers."""
        return self.query.arm or Arm.V3


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """One call of one model: ``telemetry (row, window, column)`` and the plan of each row."""

    model: str
    plans: tuple[int, ...]
    telemetry: Floats


@dataclass(frozen=True, eq=False)
class Answer:
    """What one model said of its batch."""

    version: str
    bins: Bins
    prediction: Prediction

    @cached_property
    def decoded(self) -> Decoded:
        """Points, confidences and quantiles of every row."""
        return decode(self.prediction.probabilities, self.prediction.level_mbps, self.bins)


@dataclass(frozen=True, slots=True)
class Absent:
    """A model that did not answer, and why: ``model_unavailable`` or ``model_late``."""

    reason: str


def check_history(history: History) -> None:
    """Refuse a history that nothing can be said from.

    Raises
    ------
    InvalidHistory
        For fewer than two samples.
    """
    if len(history) < 2:
        raise InvalidHistory(
            f"history has {len(history)} samples; a forecast needs at least 2, and a model its "
            "window (30 in datacenter mode, 60 in internet mode). Send more.",
            "history",
        )


def plan(query: Query, gap_intervals: float = GAP_INTERVALS) -> Plan:
    """Return what to ask for ``query``; a pause of ``gap_intervals`` typical ones starts anew.

    Raises
    ------
    InvalidHistory
        For fewer than two samples.
    """
    check_history(query.history)
    recent = since_last_gap(query.history.last(max(_WINDOWS.values())), gap_intervals)
    window = recent if len(recent) > 1 else query.history.last(2)
    spaced = spacing(window.timestamps_s)
    mode = query.mode or detect_mode(window.telemetry)
    wanted = _wanted(query.arm or Arm.V3, mode)
    models = tuple(name for name in wanted if len(recent) >= _WINDOWS[name])
    reasons = [] if len(models) == len(wanted) else ["short_history"]
    reasons += [] if spaced.regular else ["irregular_window"]
    if models and restlessness(window.telemetry[:, 0]) >= UNSTABLE:
        reasons.append("unstable_window")
    return Plan(query, window, spaced.step_s, mode, models, tuple(reasons))


def batches(plans: Sequence[Plan], most: int = 128) -> list[Batch]:
    """Return the calls that answer ``plans``, of at most ``most`` windows each."""
    found = []
    for model, length in _WINDOWS.items():
        rows = [row for row, planned in enumerate(plans) if model in planned.models]
        for start in range(0, len(rows), most):
            chosen = tuple(rows[start : start + most])
            windows = [_given(model, plans[row].window.last(length)) for row in chosen]
            found.append(Batch(model, chosen, np.array(windows, dtype=np.float32)))
    return found


def _wanted(arm: Arm, mode: NetworkMode) -> tuple[str, ...]:
    """Return the models that answer for a link in ``mode``."""
    if arm is Arm.V1:
        return (baseline.NAME,)
    return tuple(PROFILES) if mode is NetworkMode.HYBRID else (mode,)


def _given(model: str, window: History) -> Floats:
    """Return what ``model`` is given of ``window``, shape ``(window, column)``."""
    if model == baseline.NAME:
        return baseline.features(window.timestamps_s, window.telemetry)
    return window.telemetry
