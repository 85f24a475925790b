"""One request on its way to forecasts: planned here, assembled in `assembly`.

The same steps serve HTTP, gRPC, a handle and one process. Pure and synchronous: the caller runs the
model calls, one after the other or awaited together.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from pba.errors import Busy, InvalidHistory, PBAError
from pba.forecasting.assembly import assemble
from pba.forecasting.model_call import ModelCall, ModelFailure, ModelOutput
from pba.forecasting.query import ForecastPlan, Query
from pba.forecasting.result import ForecastResult
from pba.models import v1_features
from pba.rollout import Arm, Flags
from pba.telemetry.mode_detection import detect_mode
from pba.telemetry.outliers import CleanWindow
from pba.telemetry.window_readings import WindowReading, read_windows
from pba.telemetry.windows import GAP_INTERVALS
from pba.types import Floats, History, NetworkMode
from pba.types.profile import PROFILES

__all__ = ["ForecastJob", "check_history", "plan_forecast"]

_WINDOWS: Mapping[str, int] = {
    **{mode: profile.window for mode, profile in PROFILES.items()},
    v1_features.NAME: v1_features.WINDOW,
}
_LONGEST = max(_WINDOWS.values())
_DEFAULT_FLAGS = Flags()

# Of rates over three times the 30 before, .89 lasted on the train and val traces, whose counters
# were never reset (`benchmarks.rises`); a far higher one is taken for a fault as likely as a level.
_RISE_LASTS, _JUMP_LASTS = 0.8, 0.5
_BELIEVABLE_RISE = 10.0


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
        A pause longer than this many typical intervals starts a new window.

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
        self._items = _plans_or_errors(queries, flags, gap_intervals)
        self._plans = [item for item in self._items if isinstance(item, ForecastPlan)]
        self.calls: list[ModelCall] = _model_calls(self._plans)

    def finish(
        self, outputs: Sequence[ModelOutput | ModelFailure], created_at: datetime
    ) -> list[ForecastResult | PBAError]:
        """Return a result, or the error of its query, for each query in order.

        A query whose models were all busy gets the error `Busy`: a moment later it gets a forecast
        from a model. One that had to wait for a late model too gets a heuristic.

        Parameters
        ----------
        outputs
            One for each of `calls`, in order.
        created_at
            The time of the forecasts.
        """
        errors = _busy_plans(self._plans, self.calls, outputs)
        kept = [row for row in range(len(self._plans)) if row not in errors]
        plans, calls = _only(kept, self._plans, self.calls) if errors else (self._plans, self.calls)
        assembled: Iterator[ForecastResult] = iter(assemble(plans, calls, outputs, created_at))
        results = (errors.get(row) or next(assembled) for row in range(len(self._plans)))
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
    query: Query, reading: WindowReading, flags: Flags = _DEFAULT_FLAGS
) -> ForecastPlan:
    """Return the plan for ``query``, whose history has ``reading``.

    ``flags`` decide the arm, and which modes are allowed.
    """
    window, cleaned = reading.window, reading.cleaned
    samples = window.samples
    if cleaned.replaced:
        samples = samples.with_telemetry(cleaned.telemetry)
    arm = query.arm or flags.arm(query.link_id)
    mode = _mode(query, samples, flags)
    candidates = _candidates(arm, mode)
    models = tuple(name for name in candidates if window.length >= _WINDOWS[name])
    without_newest, step_weight = _other_reading(samples, cleaned)
    return ForecastPlan(
        query,
        samples,
        window.step_s,
        mode,
        arm,
        query.record if arm is Arm.V3 else None,
        models,
        _reasons(query, reading, models, candidates),
        _usual_mbps(samples) if cleaned.newest_unlike else None,
        without_newest,
        step_weight,
    )


def _reasons(
    query: Query, reading: WindowReading, models: tuple[str, ...], candidates: tuple[str, ...]
) -> tuple[str, ...]:
    """Return what limits the forecast from ``reading`` by ``models`` out of ``candidates``."""
    cleaned = reading.cleaned
    reasons = {
        "short_history": len(models) < len(candidates),
        "irregular_window": not reading.window.regular,
        "unstable_window": bool(models) and reading.unstable,
        "outlier": cleaned.replaced or cleaned.newest_unlike,
        "unit_suspected": reading.unit_suspected,
        "ignored_values": query.ignored_values,
    }
    return tuple(name for name, holds in reasons.items() if holds)


def _other_reading(samples: History, cleaned: CleanWindow) -> tuple[History | None, float]:
    """Return the window without a newest rate that is unlike the others, and the rate's weight.

    A sudden low needs no second reading: such drops are frequent, and the models have learned how
    often they last.
    """
    newest_mbps = float(cleaned.telemetry[-1, 0])
    if not cleaned.newest_unlike or newest_mbps < cleaned.telemetry[-2, 0]:
        return None, 1.0
    highest_mbps = float(cleaned.telemetry[:-1, 0].max())
    believable = newest_mbps <= _BELIEVABLE_RISE * highest_mbps or highest_mbps <= 0
    weight = _RISE_LASTS if believable else _JUMP_LASTS
    return samples.with_telemetry(cleaned.without_newest), weight


def _usual_mbps(samples: History) -> float:
    """Return the 90th percentile of the window but its newest sample."""
    return float(np.quantile(samples.telemetry[:-1, 0], 0.9))


def _plans_or_errors(
    queries: Sequence[Query | PBAError], flags: Flags, gap_intervals: float
) -> list[ForecastPlan | PBAError]:
    items = [_checked(query) for query in queries]
    histories = [item.history for item in items if isinstance(item, Query)]
    readings = iter(read_windows(histories, _LONGEST, gap_intervals))
    return [
        plan_forecast(item, next(readings), flags) if isinstance(item, Query) else item
        for item in items
    ]


def _checked(query: Query | PBAError) -> Query | PBAError:
    """Return ``query``, or the error that its history is too short."""
    if isinstance(query, Query):
        try:
            check_history(query.history)
        except InvalidHistory as error:
            return error
    return query


def _model_calls(plans: Sequence[ForecastPlan]) -> list[ModelCall]:
    """Return one call for each model that ``plans`` need."""
    calls = []
    for model, length in _WINDOWS.items():
        readings = [
            (row, reading)
            for row, plan in enumerate(plans)
            if model in plan.models
            for reading in plan.readings
        ]
        if readings:
            rows = tuple(row for row, _ in readings)
            windows = [_model_input(model, reading, length) for _, reading in readings]
            calls.append(ModelCall(model, rows, np.array(windows, dtype=np.float32)))
    return calls


def _busy_plans(
    plans: Sequence[ForecastPlan],
    calls: Sequence[ModelCall],
    outputs: Sequence[ModelOutput | ModelFailure],
) -> dict[int, Busy]:
    """Return the error of each plan whose models were all busy, by its index."""
    errors: dict[int, list[Busy]] = {}
    for call, output in zip(calls, outputs, strict=True):
        if isinstance(output, ModelFailure) and output.busy is not None:
            for row in dict.fromkeys(call.plans):
                errors.setdefault(row, []).append(output.busy)
    return {row: busy[0] for row, busy in errors.items() if len(busy) == len(plans[row].models)}


def _only(
    rows: Sequence[int], plans: Sequence[ForecastPlan], calls: Sequence[ModelCall]
) -> tuple[list[ForecastPlan], list[ModelCall]]:
    """Return the plans of ``rows``, and the calls without the others, which have no output."""
    places = {row: place for place, row in enumerate(rows)}
    return [plans[row] for row in rows], [
        replace(call, plans=tuple(places[row] for row in call.plans if row in places))
        for call in calls
    ]


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
