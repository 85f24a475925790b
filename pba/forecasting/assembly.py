"""The second half of a forecast: from the models' outputs to the forecast that the caller gets."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import isnan
from typing import NamedTuple

import numpy as np

from pba.forecasting.aging import STALE_STEPS, FreshForecast, age_steps, aged_together
from pba.forecasting.allocation import advise
from pba.forecasting.fixed_share import MODEL
from pba.forecasting.forecast_values import (
    ForecastValues,
    decoded_values,
    horizons_of,
    intervals_of,
    pooled,
    values_of,
    weights_of,
)
from pba.forecasting.members import (
    MemberForecast,
    leading_expert,
    model_members,
    simple_members,
)
from pba.forecasting.model_call import ModelCall, ModelFailure, ModelOutput
from pba.forecasting.query import ForecastPlan
from pba.forecasting.result import ForecastResult
from pba.types import HORIZONS, INTERVALS, Forecast, Member

__all__ = ["assemble"]

_END_OF_TIME_S = 253_402_300_799.0  # the last second of the year 9999
_CONFIDENCE_DROP = 0.05


def assemble(
    plans: Sequence[ForecastPlan],
    calls: Sequence[ModelCall],
    outputs: Sequence[ModelOutput | ModelFailure],
    created_at: datetime,
) -> list[ForecastResult]:
    """Return one forecast per plan: of the link's leading expert, of the models without a record.

    Parameters
    ----------
    plans
        In the order of the requests.
    calls, outputs
        The calls of the models and, in the same order, their outputs.
    created_at
        The time of the forecast.
    """
    models, failures = model_members(plans, calls, outputs)
    experts = list(map(leading_expert, plans, models))
    simple = simple_members(plans, models, experts)
    leading = map(_sources, experts, models, simple)
    rows = zip(plans, models, simple, failures, leading, strict=True)
    fresh = [_fresh(*row, created_at) for row in rows]
    aged = _aged([one for one in fresh if one.steps])
    return [
        _result(one, *aged.get(id(one), (one.values, one.means)), highest_mbps, created_at)
        for one, highest_mbps in zip(fresh, _highest_mbps(plans), strict=True)
    ]


class _Fresh(NamedTuple):
    """A forecast as of its newest sample, and how many steps old that is.

    ``values`` are those of the horizons, from ``sources``; ``means`` those of the intervals, and
    ``expected`` those of the horizons, from the models alone.
    """

    plan: ForecastPlan
    models: list[MemberForecast]
    simple: dict[str, MemberForecast]
    failures: list[str]
    source: str
    sources: list[MemberForecast]
    weights: tuple[float, ...]
    values: ForecastValues
    means: ForecastValues
    expected: ForecastValues
    newest_s: float
    made_at: datetime
    steps: int


def _fresh(
    plan: ForecastPlan,
    models: list[MemberForecast],
    simple: dict[str, MemberForecast],
    failures: list[str],
    leading: tuple[str, list[MemberForecast]],
    created_at: datetime,
) -> _Fresh:
    source, sources = leading
    weights = weights_of(sources)
    values = values_of(sources, weights)
    of_models = values
    if sources is not models:
        of_models = values_of(models, weights_of(models)) if models else ForecastValues()
    newest_s = float(plan.window.timestamps_s[-1])
    made_at = datetime.fromtimestamp(newest_s, UTC) if plan.query.as_of_newest else created_at
    steps = age_steps(made_at.timestamp() - newest_s, plan.step_s)
    return _Fresh(
        plan,
        models,
        simple,
        failures,
        source,
        sources,
        weights,
        values.horizons,
        of_models.intervals,
        of_models.horizons,
        newest_s,
        made_at,
        steps,
    )


def _aged(forecasts: Sequence[_Fresh]) -> dict[int, tuple[ForecastValues, ForecastValues]]:
    """Return horizons and intervals of ``forecasts`` at their age, by the identity of each."""
    values = [_fresh_horizons(one) for one in forecasts]
    means = {id(one): _fresh_intervals(one) for one in forecasts if one.means.points_mbps}
    decoded = [decoded_values(part) for part in aged_together([*values, *means.values()])]
    aged_means = dict(zip(means, decoded[len(values) :], strict=True))
    return {
        id(one): (aged_values, aged_means.get(id(one), one.means))
        for one, aged_values in zip(forecasts, decoded, strict=False)
    }


def _fresh_horizons(fresh: _Fresh) -> FreshForecast:
    distribution = pooled(fresh.sources, fresh.weights)
    horizons = distribution.probabilities[: len(HORIZONS)]
    own = distribution._replace(probabilities=horizons)
    return FreshForecast(own, fresh.values.confidence, fresh.steps)


def _fresh_intervals(fresh: _Fresh) -> FreshForecast:
    distribution = pooled(fresh.models, weights_of(fresh.models))
    intervals = distribution.probabilities[len(HORIZONS) :]
    own = distribution._replace(probabilities=intervals)
    return FreshForecast(own, fresh.means.confidence, fresh.steps, INTERVALS[: len(intervals)])


def _result(
    fresh: _Fresh,
    values: ForecastValues,
    means: ForecastValues,
    highest_mbps: float,
    created_at: datetime,
) -> ForecastResult:
    """Return the result.

    ``values`` and ``means`` are the forecast at its age, before the record adapts it;
    ``highest_mbps`` is the highest rate of its window.
    """
    plan, models, sources, newest_s = fresh.plan, fresh.models, fresh.sources, fresh.newest_s
    adapted = horizons_of(fresh.values, plan.record)
    intervals = intervals_of(fresh.means, plan.record)
    reasons = _reasons(fresh, highest_mbps, adapted[0].confidence)
    latency_ms, packet_loss, jitter_ms = _path(models, sources, fresh.weights)
    forecast = Forecast(
        link_id=plan.query.link_id,
        mode=plan.mode,
        source=fresh.source,
        model_version="+".join([m.output.version for m in sources if m.output.version]) or None,
        made_at=fresh.made_at,
        newest_sample_at=datetime.fromtimestamp(newest_s, UTC),
        age_s=fresh.made_at.timestamp() - newest_s,
        valid_until=datetime.fromtimestamp(min(newest_s + plan.step_s, _END_OF_TIME_S), UTC),
        step_s=plan.step_s,
        horizons=adapted if values is fresh.values else horizons_of(values, plan.record),
        latency_ms=latency_ms,
        packet_loss=packet_loss,
        jitter_ms=jitter_ms,
        members=_members(models, fresh.simple, sources, fresh.weights),
        reasons=(*plan.reasons, *fresh.failures, *reasons),
        intervals=intervals if means is fresh.means else intervals_of(means, plan.record),
    )
    return ForecastResult(
        _advised(forecast, plan),
        adapted,
        intervals,
        (*fresh.values.confidence, *fresh.means.confidence),
        _expert_points(fresh),
        newest_s,
        created_at,
        plan.arm,
    )


def _advised(forecast: Forecast, plan: ForecastPlan) -> Forecast:
    """Return ``forecast`` with advice, if the query requests it."""
    if plan.query.allocation is None:
        return forecast
    return replace(forecast, allocation=advise(forecast, plan.query.allocation, plan.usual_mbps))


def _reasons(fresh: _Fresh, highest_mbps: float, adapted: float) -> list[str]:
    """Return what else limits the forecast, whose first confidence the record has ``adapted``."""
    reasons = []
    if adapted < fresh.values.confidence[0] - _CONFIDENCE_DROP:
        reasons.append("recent_misses")
    if any(highest_mbps > member.highest_mbps for member in fresh.sources):
        reasons.append("out_of_range")
    if fresh.steps > STALE_STEPS:
        reasons.append("stale")
    return reasons


def _sources(
    expert: str, models: list[MemberForecast], simple: dict[str, MemberForecast]
) -> tuple[str, list[MemberForecast]]:
    """Return the forecast's ``source``, and the members with a weight; ``expert`` leads."""
    if expert == MODEL:
        return "model" if len(models) == 1 else "ensemble", models
    return "expert" if models else "heuristic", [simple[expert]]


def _highest_mbps(plans: Sequence[ForecastPlan]) -> list[float]:
    """Return the highest rate in each plan's window."""
    rates = [plan.window.telemetry[:, 0] for plan in plans]
    if not rates:
        return []
    starts = np.cumsum([0, *map(len, rates[:-1])])
    highest: list[float] = np.maximum.reduceat(np.concatenate(rates), starts).tolist()
    return highest


def _expert_points(fresh: _Fresh) -> dict[str, tuple[float, ...]]:
    """Return the points of every expert."""
    points = {name: member.points_mbps for name, member in fresh.simple.items()}
    if fresh.models:
        points[MODEL] = fresh.expected.points_mbps
    return points


def _members(
    models: list[MemberForecast],
    simple: dict[str, MemberForecast],
    sources: list[MemberForecast],
    weights: tuple[float, ...],
) -> tuple[Member, ...]:
    """Return the members with a weight, then the others with weight 0."""
    members = list(map(MemberForecast.as_member, sources, weights))
    others = [*models, *simple.values()] if sources is not models else simple.values()
    members += [member.as_member(0.0) for member in others if member not in sources]
    return tuple(members)


def _path(
    models: Sequence[MemberForecast],
    sources: Sequence[MemberForecast],
    weights: tuple[float, ...],
) -> list[float | None]:
    """Return latency, loss and jitter of the next step: weighted means, None where not measured.

    The models' means where there are models, else those of the forecast's sources.
    """
    members = models or sources
    if len(members) == 1:
        return [None if isnan(value) else value for value in members[0].path.tolist()]
    if members is not sources:
        weights = weights_of(members)
    values = np.array([member.path for member in members], dtype=float)
    share = np.where(np.isnan(values), 0.0, np.array(weights)[:, None])
    total = share.sum(axis=0)
    mean = (np.nan_to_num(values) * share).sum(axis=0) / np.where(total > 0, total, 1.0)
    columns = zip(mean.tolist(), total.tolist(), strict=True)
    return [value if weight > 0 else None for value, weight in columns]
