"""The second half of a forecast: from the models' outputs to the forecast that the caller gets."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import isnan
from typing import Any

import numpy as np

from pba.forecasting.aging import STALE_STEPS, age_steps, aged
from pba.forecasting.allocation import advise
from pba.forecasting.ensemble import MemberDistribution, confidence_weights, mixture
from pba.forecasting.fixed_share import MODEL, leader
from pba.forecasting.link_record import LinkRecord
from pba.forecasting.members import (
    FALLBACK,
    MemberForecast,
    decode_one,
    model_members,
    simple_members,
)
from pba.forecasting.model_call import ModelCall, ModelFailure, ModelOutput
from pba.forecasting.query import ForecastPlan
from pba.forecasting.result import ForecastResult
from pba.models.distribution import DecodedForecast
from pba.types import HORIZONS, Forecast, HorizonForecast, Member

__all__ = ["assemble"]

_END_OF_TIME_S = 253_402_300_799.0  # the last second of the year 9999
_CONFIDENCE_DROP = 0.05
_PATH = ("latency_ms", "packet_loss", "jitter_ms")


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
    simple = simple_members(plans, models)
    rows = zip(plans, models, simple, failures, strict=True)
    return [_result(*row, created_at) for row in rows]


def _result(
    plan: ForecastPlan,
    models: list[MemberForecast],
    simple: dict[str, MemberForecast],
    failures: list[str],
    created_at: datetime,
) -> ForecastResult:
    source, sources = _sources(models, simple, plan.record)
    weights = _weights(sources)
    horizons = _horizons(sources, weights)
    adapted = _adapted(horizons, plan.record)
    newest_s = float(plan.window.timestamps_s[-1])
    newest_at = datetime.fromtimestamp(newest_s, UTC)
    made_at = newest_at if plan.query.as_of_newest else created_at
    steps = age_steps(made_at.timestamp() - newest_s, plan.step_s)
    path: dict[str, Any] = dict(zip(_PATH, _path(models, sources, weights), strict=True))
    forecast = Forecast(
        link_id=plan.query.link_id,
        mode=plan.mode,
        source=source,
        model_version="+".join(m.output.version for m in sources if m.output.version) or None,
        made_at=made_at,
        newest_sample_at=newest_at,
        age_s=made_at.timestamp() - newest_s,
        valid_until=datetime.fromtimestamp(min(newest_s + plan.step_s, _END_OF_TIME_S), UTC),
        step_s=plan.step_s,
        horizons=_aged(adapted, plan, sources, weights, steps),
        **path,
        members=_members(models, simple, sources, weights),
        reasons=(*plan.reasons, *failures, *_reasons(plan, sources, horizons, adapted, steps)),
    )
    return ForecastResult(
        _advised(forecast, plan),
        adapted,
        tuple(horizon.confidence for horizon in horizons),
        _expert_points(models, simple, horizons if sources is models else None),
        newest_s,
        created_at,
        plan.arm,
    )


def _advised(forecast: Forecast, plan: ForecastPlan) -> Forecast:
    """Return ``forecast`` with advice, if the query requests it."""
    if plan.query.allocation is None:
        return forecast
    return replace(forecast, allocation=advise(forecast, plan.query.allocation, plan.usual_mbps))


def _reasons(
    plan: ForecastPlan,
    sources: Sequence[MemberForecast],
    horizons: Sequence[HorizonForecast],
    adapted: Sequence[HorizonForecast],
    steps: int,
) -> list[str]:
    """Return what else limits the forecast, whose newest sample is ``steps`` steps old."""
    reasons = {
        "recent_misses": adapted[0].confidence < horizons[0].confidence - _CONFIDENCE_DROP,
        "out_of_range": _out_of_range(plan, sources),
        "stale": steps > STALE_STEPS,
    }
    return [name for name, holds in reasons.items() if holds]


def _sources(
    models: list[MemberForecast], simple: dict[str, MemberForecast], record: LinkRecord | None
) -> tuple[str, list[MemberForecast]]:
    """Return the forecast's ``source``, and the members with a weight."""
    expert = leader(record.weights) if record else MODEL
    if expert in simple:
        return "expert" if models else "heuristic", [simple[expert]]
    if models:
        return "model" if len(models) == 1 else "ensemble", models
    return "heuristic", [simple[FALLBACK]]


def _weights(members: Sequence[MemberForecast]) -> tuple[float, ...]:
    if len(members) == 1:
        return (1.0,)
    return confidence_weights([member.confidence for member in members])


def _out_of_range(plan: ForecastPlan, sources: Sequence[MemberForecast]) -> bool:
    """Return whether the window holds a rate above what some member's bins can express."""
    highest_mbps = float(plan.window.telemetry[:, 0].max())
    return any(highest_mbps > member.highest_mbps for member in sources)


def _expert_points(
    models: list[MemberForecast],
    simple: dict[str, MemberForecast],
    pooled: Sequence[HorizonForecast] | None,
) -> dict[str, tuple[float, ...]]:
    """Return the points of every expert; ``pooled`` are the models' horizons if known already."""
    points = {name: member.points_mbps for name, member in simple.items()}
    if models:
        horizons = pooled or _horizons(models, _weights(models))
        points[MODEL] = tuple(horizon.bandwidth_mbps for horizon in horizons)
    return points


def _members(
    models: list[MemberForecast],
    simple: dict[str, MemberForecast],
    sources: list[MemberForecast],
    weights: tuple[float, ...],
) -> tuple[Member, ...]:
    """Return the members with a weight, then the others with weight 0."""
    others = [member for member in (*models, *simple.values()) if member not in sources]
    weighted = zip(sources, weights, strict=True)
    return (
        *(member.as_member(weight) for member, weight in weighted),
        *(member.as_member(0.0) for member in others),
    )


def _adapted(
    horizons: tuple[HorizonForecast, ...], record: LinkRecord | None
) -> tuple[HorizonForecast, ...]:
    """Return ``horizons`` with the confidence that the link's record leads to."""
    if record is None:
        return horizons
    return tuple(
        replace(horizon, confidence=reliability.adapt(horizon.confidence))
        for horizon, reliability in zip(horizons, record.reliability, strict=True)
    )


def _horizons(
    members: Sequence[MemberForecast], weights: tuple[float, ...]
) -> tuple[HorizonForecast, ...]:
    """Return the horizons of one member, or of the mixture of several."""
    if len(members) == 1:
        return _horizons_of(members[0].decoded, members[0].row)
    return _horizons_of(decode_one(_pooled(members, weights)), 0)


def _aged(
    adapted: tuple[HorizonForecast, ...],
    plan: ForecastPlan,
    members: Sequence[MemberForecast],
    weights: tuple[float, ...],
    steps: int,
) -> tuple[HorizonForecast, ...]:
    """Return the ``adapted`` horizons as they are where the newest sample is so many steps old."""
    if not steps:
        return adapted
    return _adapted(
        _horizons_of(decode_one(aged(_pooled(members, weights), steps)), 0), plan.record
    )


def _pooled(members: Sequence[MemberForecast], weights: tuple[float, ...]) -> MemberDistribution:
    return mixture([member.distribution for member in members], weights)


def _horizons_of(decoded: DecodedForecast, row: int) -> tuple[HorizonForecast, ...]:
    columns = zip(
        HORIZONS,
        decoded.bandwidth_mbps[row].tolist(),
        decoded.confidence[row].tolist(),
        decoded.quantiles_mbps[row].tolist(),
        strict=True,
    )
    return tuple(
        HorizonForecast(steps, point_mbps, confidence, tuple(quantiles_mbps))
        for steps, point_mbps, confidence, quantiles_mbps in columns
    )


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
        weights = _weights(members)
    values = np.array([member.path for member in members], dtype=float)
    share = np.where(np.isnan(values), 0.0, np.array(weights)[:, None])
    total = share.sum(axis=0)
    mean = (np.nan_to_num(values) * share).sum(axis=0) / np.where(total > 0, total, 1.0)
    columns = zip(mean.tolist(), total.tolist(), strict=True)
    return [value if weight > 0 else None for value, weight in columns]
