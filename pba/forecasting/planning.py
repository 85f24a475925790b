"""One request on its way to forecasts: planned here, assembled in `assembly`.

The same steps serve HTTP, gRPC, a handle and one process. Pure and synchronous: the caller runs the
model calls, one after the other or awaited together.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from pba.errors import InvalidHistory, PBAError
from pba.forecasting.assembly import assemble
from pba.forecasting.model_call import ModelCall, ModelFailure, ModelOutput
from pba.forecasting.query import ForecastPlan, Query
from pba.forecasting.result import ForecastResult
from pba.models import v1_features
from pba.rollout import Arm, Flags
from pba.telemetry.mode_detection import detect_mode
from pba.telemetry.windows import GAP_INTERVALS, current_window
from pba.types import Floats, History, NetworkMode
from pba.types.profile import PROFILES

__all__ = ["ForecastJob", "check_history", "plan_forecast"]

_WINDOWS: Mapping[str, int] = {
    **{mode: profile.window for mode, profile in PROFILES.items()},
    v1_features.NAME: v1_features.WINDOW,
}
_LONGEST = max(_WINDOWS.values())
_DEFAULT_FLAGS = Flags()


class ForecastJob:
    """Plans queries, names the model calls that they need, and assembles the forecasts.

    ::

        job = ForecastJob(queries)
        outputs = [models[call.model](call.telemetry) for call in job.calls]
        results = job.finish(outputs, now)

    Parameters
    ----------
    queries
        In order; an error in place of a query is passed through.
    flags
        As for `plan_forecast`.
    gap_intervals
        Likewise.

    Attributes
    ----------
    calls
        The model calls, at most one per model.
    """

    def __init__(
        self,
        queries: Sequence[Query | PBAError],
        flags: Flags = _DEFAULT_FLAGS,
        gap_intervals: float = GAP_INTERVALS,
    ) -> None:
        self._items = [_plan_or_error(query, flags, gap_intervals) for query in queries]
        self._plans = [item for item in self._items if isinstance(item, ForecastPlan)]
        self.calls: list[ModelCall] = _model_calls(self._plans)

    def finish(
        self, outputs: Sequence[ModelOutput | ModelFailure], created_at: datetime
    ) -> list[ForecastResult | PBAError]:
        """Return a result, or the error of its query, for each query in order.

        Parameters
        ----------
        outputs
            One for each of `calls`, in order.
        created_at
            The time of the forecasts.
        """
        results = iter(assemble(self._plans, self.calls, outputs, created_at))
        return [next(results) if isinstance(item, ForecastPlan) else item for item in self._items]


def check_history(history: History) -> None:
    """Refuse a history that is too short for any forecast.

    Raises
    ------
    InvalidHistory
        For fewer than two samples.
    """
    count = len(history.timestamps_s)
    if count < 2:
        raise InvalidHistory(
            f"history has {count} samples; a forecast needs at least 2, and a model its "
            "window (30 in datacenter mode, 60 in internet mode). Send more.",
            "history",
        )


def plan_forecast(
    query: Query, flags: Flags = _DEFAULT_FLAGS, gap_intervals: float = GAP_INTERVALS
) -> ForecastPlan:
    """Return the plan for ``query``.

    Parameters
    ----------
    flags
        Decide the arm, and which modes are allowed.
    gap_intervals
        A pause longer than this many typical intervals starts a new window.

    Raises
    ------
    InvalidHistory
        For fewer than two samples.
    """
    check_history(query.history)
    window = current_window(query.history, _LONGEST, gap_intervals)
    arm = query.arm or flags.arm(query.link_id)
    mode = _mode(query, window.samples, flags)
    candidates = _candidates(arm, mode)
    models = tuple(name for name in candidates if window.length >= _WINDOWS[name])
    reasons = [] if len(models) == len(candidates) else ["short_history"]
    reasons += [] if window.regular else ["irregular_window"]
    reasons += ["unstable_window"] if models and window.unstable else []
    reasons += ["ignored_values"] if query.ignored_values else []
    record = query.record if arm is Arm.V3 else None
    return ForecastPlan(
        query, window.samples, window.step_s, mode, arm, record, models, tuple(reasons)
    )


def _plan_or_error(
    query: Query | PBAError, flags: Flags, gap_intervals: float
) -> ForecastPlan | PBAError:
    if isinstance(query, PBAError):
        return query
    try:
        return plan_forecast(query, flags, gap_intervals)
    except PBAError as error:
        return error


def _model_calls(plans: Sequence[ForecastPlan]) -> list[ModelCall]:
    """Return one call for each model that ``plans`` need."""
    calls = []
    for model, length in _WINDOWS.items():
        rows = tuple(row for row, plan in enumerate(plans) if model in plan.models)
        if rows:
            windows = [_model_input(model, plans[row].window, length) for row in rows]
            calls.append(ModelCall(model, rows, np.array(windows, dtype=np.float32)))
    return calls


def _mode(query: Query, window: History, flags: Flags) -> NetworkMode:
    """Return the mode of the query, or of its window, as far as the flags allow it."""
    if query.mode is not None:
        mode = query.mode
    elif flags.enable_mode_detection:
        mode = detect_mode(window.telemetry)
    else:
        mode = NetworkMode.INTERNET
    hybrid = mode is NetworkMode.HYBRID
    return NetworkMode.INTERNET if hybrid and not flags.enable_hybrid_mode else mode


def _candidates(arm: Arm, mode: NetworkMode) -> tuple[str, ...]:
    """Return the models that forecast for ``arm`` in ``mode``."""
    if arm is Arm.V1:
        return (v1_features.NAME,)
    return tuple(PROFILES) if mode is NetworkMode.HYBRID else (mode,)


def _model_input(model: str, window: History, length: int) -> Floats:
    """Return the input of ``model`` for ``window``, shape ``(length, column)``."""
    telemetry = window.telemetry[-length:]
    if model == v1_features.NAME:
        return v1_features.features(window.timestamps_s[-length:], telemetry)
    return telemetry
