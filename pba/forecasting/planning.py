"""The first half of a forecast's way: from a query to the calls of the models.

`pba.forecasting.assembly` is the second. Nothing in either waits or knows where models run, so one process and
a cluster share them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pba.errors import InvalidHistory
from pba.forecasting.allocation import AllocationRequest
from pba.forecasting.link_record import LinkRecord
from pba.models import v1_features
from pba.models.base import Prediction
from pba.models.distribution import Bins, DecodedForecast, decode
from pba.rollout import Arm
from pba.telemetry.mode_detection import detect_mode
from pba.telemetry.windows import GAP_INTERVALS, UNSTABLE, restlessness, since_last_gap, spacing
from pba.types import Floats, History, NetworkMode
from pba.types.profile import PROFILES

__all__ = [
    "ModelFailure",
    "ModelOutput",
    "ModelCall",
    "ForecastPlan",
    "Query",
    "model_calls",
    "check_history",
    "plan",
]

_WINDOWS: Mapping[str, int] = {
    **{mode: profile.window for mode, profile in PROFILES.items()},
    v1_features.NAME: v1_features.WINDOW,
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
class ForecastPlan:
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
class ModelCall:
    """One call of one model: ``telemetry (row, window, column)`` and the plan of each row."""

    model: str
    plans: tuple[int, ...]
    telemetry: Floats


@dataclass(frozen=True, eq=False)
class ModelOutput:
    """What one model said of its batch."""

    version: str
    bins: Bins
    prediction: Prediction

    @cached_property
    def decoded(self) -> DecodedForecast:
        """Points, confidences and quantiles of every row."""
        return decode(self.prediction.probabilities, self.prediction.level_mbps, self.bins)


@dataclass(frozen=True, slots=True)
class ModelFailure:
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


def plan(query: Query, gap_intervals: float = GAP_INTERVALS) -> ForecastPlan:
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
    return ForecastPlan(query, window, spaced.step_s, mode, models, tuple(reasons))


def model_calls(plans: Sequence[ForecastPlan], most: int = 128) -> list[ModelCall]:
    """Return the calls that answer ``plans``, of at most ``most`` windows each."""
    found = []
    for model, length in _WINDOWS.items():
        rows = [row for row, planned in enumerate(plans) if model in planned.models]
        for start in range(0, len(rows), most):
            chosen = tuple(rows[start : start + most])
            windows = [_given(model, plans[row].window.last(length)) for row in chosen]
            found.append(ModelCall(model, chosen, np.array(windows, dtype=np.float32)))
    return found


def _wanted(arm: Arm, mode: NetworkMode) -> tuple[str, ...]:
    """Return the models that answer for a link in ``mode``."""
    if arm is Arm.V1:
        return (v1_features.NAME,)
    return tuple(PROFILES) if mode is NetworkMode.HYBRID else (mode,)


def _given(model: str, window: History) -> Floats:
    """Return what ``model`` is given of ``window``, shape ``(window, column)``."""
    if model == v1_features.NAME:
        return v1_features.features(window.timestamps_s, window.telemetry)
    return window.telemetry
