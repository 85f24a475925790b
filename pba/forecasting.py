"""The first half of a forecast's way: from a query to the calls of the models.

`pba.assembly` is the second. Nothing in either waits or knows where models run, so one process and
a cluster share them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pba.allocation import AllocationRequest
from pba.distribution import Bins, Decoded, decode
from pba.errors import InvalidHistory
from pba.models.base import Prediction
from pba.modes import PROFILES, detect_mode
from pba.record import LinkRecord
from pba.types import Floats, History, NetworkMode
from pba.windows import GAP_INTERVALS, UNSTABLE, restlessness, since_last_gap, spacing

__all__ = ["Absent", "Answer", "Batch", "Plan", "Query", "batches", "plan"]


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A request for a forecast.

    ``mode`` None means that it is detected; ``record`` None that nothing is known of the link;
    ``allocation`` None that no advice is asked for.
    """

    history: History
    mode: NetworkMode | None = None
    link_id: str | None = None
    record: LinkRecord | None = None
    allocation: AllocationRequest | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What a query comes to: the window, the mode, and the models to ask (perhaps none)."""

    query: Query
    window: History
    step_s: float
    mode: NetworkMode
    models: tuple[NetworkMode, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """One call of one model: ``telemetry (row, window, 5)`` and the plan of each row."""

    model: NetworkMode
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


def plan(query: Query, gap_intervals: float = GAP_INTERVALS) -> Plan:
    """Return what to ask for ``query``; a pause of ``gap_intervals`` typical ones starts anew.

    Raises
    ------
    InvalidHistory
        For fewer than two samples.
    """
    if len(query.history) < 2:
        raise InvalidHistory(
            f"history has {len(query.history)} samples; a forecast needs at least 2, and a model "
            "its window (30 in datacenter mode, 60 in internet mode). Send more.",
            "history",
        )
    longest = max(profile.window for profile in PROFILES.values())
    recent = since_last_gap(query.history.last(longest), gap_intervals)
    window = recent if len(recent) > 1 else query.history.last(2)
    spaced = spacing(window.timestamps_s)
    mode = query.mode or detect_mode(window.telemetry)
    wanted = tuple(PROFILES) if mode is NetworkMode.HYBRID else (mode,)
    models = tuple(name for name in wanted if len(recent) >= PROFILES[name].window)
    reasons = [] if len(models) == len(wanted) else ["short_history"]
    reasons += [] if spaced.regular else ["irregular_window"]
    if models and restlessness(window.telemetry[:, 0]) >= UNSTABLE:
        reasons.append("unstable_window")
    return Plan(query, window, spaced.step_s, mode, models, tuple(reasons))


def batches(plans: Sequence[Plan], most: int = 128) -> list[Batch]:
    """Return the calls that answer ``plans``, of at most ``most`` windows each."""
    found = []
    for model, profile in PROFILES.items():
        rows = [row for row, planned in enumerate(plans) if model in planned.models]
        for start in range(0, len(rows), most):
            chosen = tuple(rows[start : start + most])
            windows = [plans[row].window.telemetry[-profile.window :] for row in chosen]
            found.append(Batch(model, chosen, np.array(windows, dtype=np.float32)))
    return found
