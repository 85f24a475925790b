"""The second half of a forecast: from the models' outputs to the forecast that the caller gets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import isnan

import numpy as np

from pba.forecasting.aging import STALE_STEPS, FreshForecast, age_steps, aged_together
from pba.forecasting.allocation import advise
from pba.forecasting.ensemble import MemberDistribution, confidence_weights, mixture
from pba.forecasting.fixed_share import MODEL
from pba.forecasting.link_record import LinkRecord
from pba.forecasting.members import (
    MemberForecast,
    decode_one,
    leading_expert,
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
    fresh = [_fresh(*row, created_at) for row in rows]
    old = [one for one in fresh if one.steps]
    decoded = aged_together(
        [FreshForecast(_pooled(one.sources, one.weights), one.confidence, one.steps) for one in old]
    )
    aged = {id(one): _horizons_of(part, 0) for one, part in zip(old, decoded, strict=True)}
    return [_result(one, aged.get(id(one), one.horizons), created_at) for one in fresh]


@dataclass(frozen=True, slots=True, eq=False)
class _Fresh:
    """A forecast as of its newest sample, and how many steps old that is."""

    plan: ForecastPlan
    models: list[MemberForecast]
    simple: dict[str, MemberForecast]
    failures: list[str]
    source: str
    sources: list[MemberForecast]
    weights: tuple[float, ...]
    horizons: tuple[HorizonForecast, ...]
    made_at: datetime
    steps: int

    @property
    def confidence(self) -> tuple[float, ...]:
        """The confidence at each horizon."""
        return tuple(horizon.confidence for horizon in self.horizons)


def _fresh(
    plan: ForecastPlan,
    models: list[MemberForecast],
    simple: dict[str, MemberForecast],
    failures: list[str],
    created_at: datetime,
) -> _Fresh:
    source, sources = _sources(plan, models, simple)
    weights = _weights(sources)
    horizons = _horizons(sources, weights)
    newest_s = float(plan.window.timestamps_s[-1])
    made_at = datetime.fromtimestamp(newest_s, UTC) if plan.query.as_of_newest else created_at
    steps = age_steps(made_at.timestamp() - newest_s, plan.step_s)
    return _Fresh(
        plan, models, simple, failures, source, sources, weights, horizons, made_at, steps
    )


def _result(
    fresh: _Fresh, horizons: tuple[HorizonForecast, ...], created_at: datetime
) -> ForecastResult:
    """Return the result whose ``horizons`` are those at its age, before the record adapts them."""
    plan, sources = fresh.plan, fresh.sources
    adapted = _adapted(fresh.horizons, plan.record)
    newest_s = float(plan.window.timestamps_s[-1])
    latency_ms, packet_loss, jitter_ms = _path(fresh.models, sources, fresh.weights)
    forecast = Forecast(
        link_id=plan.query.link_id,
        mode=plan.mode,
        source=fresh.source,
        model_version="+".join(m.output.version for m in sources if m.output.version) or None,
        made_at=fresh.made_at,
        newest_sample_at=datetime.fromtimestamp(newest_s, UTC),
        age_s=fresh.made_at.timestamp() - newest_s,
        valid_until=datetime.fromtimestamp(min(newest_s + plan.step_s, _END_OF_TIME_S), UTC),
        step_s=plan.step_s,
        horizons=_adapted(horizons, plan.record) if fresh.steps else adapted,
        latency_ms=latency_ms,
        packet_loss=packet_loss,
        jitter_ms=jitter_ms,
        members=_members(fresh.models, fresh.simple, sources, fresh.weights),
        reasons=(*plan.reasons, *fresh.failures, *_reasons(fresh, adapted)),
    )
    pooled = fresh.horizons if sources is fresh.models else None
    return ForecastResult(
        _advised(forecast, plan),
        adapted,
        fresh.confidence,
        _expert_points(fresh.models, fresh.simple, pooled),
        newest_s,
        created_at,
        plan.arm,
    )


def _advised(forecast: Forecast, plan: ForecastPlan) -> Forecast:
    """Return ``forecast`` with advice, if the query requests it."""
    if plan.query.allocation is None:
        return forecast
    return replace(forecast, allocation=advise(forecast, plan.query.allocation, plan.usual_mbps))


def _reasons(fresh: _Fresh, adapted: Sequence[HorizonForecast]) -> list[str]:
    """Return what else limits the forecast, whose link's record leads to ``adapted``."""
    reasons = {
        "recent_misses": adapted[0].confidence < fresh.confidence[0] - _CONFIDENCE_DROP,
        "out_of_range": _out_of_range(fresh.plan, fresh.sources),
        "stale": fresh.steps > STALE_STEPS,
    }
    return [name for name, holds in reasons.items() if holds]


def _sources(
    plan: ForecastPlan, models: list[MemberForecast], simple: dict[str, MemberForecast]
) -> tuple[str, list[MemberForecast]]:
    """Return the forecast's ``source``, and the members with a weight."""
    expert = leading_expert(plan, models)
    if expert == MODEL:
        return "model" if len(models) == 1 else "ensemble", models
    return "expert" if models else "heuristic", [simple[expert]]


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
        HorizonForecast(
            horizon.steps,
            horizon.bandwidth_mbps,
            reliability.adapt(horizon.confidence),
            horizon.quantiles_mbps,
        )
        for horizon, reliability in zip(horizons, record.reliability, strict=True)
    )


def _horizons(
    members: Sequence[MemberForecast], weights: tuple[float, ...]
) -> tuple[HorizonForecast, ...]:
    """Return the horizons of one member, or of the mixture of several."""
    if len(members) == 1:
        return _horizons_of(members[0].decoded, members[0].row)
    return _horizons_of(decode_one(_pooled(members, weights)), 0)


def _pooled(members: Sequence[MemberForecast], weights: tuple[float, ...]) -> MemberDistribution:
    if len(members) == 1:
        return members[0].distribution
    return mixture([member.distribution for member in members], weights)


def _horizons_of(decoded: DecodedForecast, row: int) -> tuple[HorizonForecast, ...]:
    points = decoded.bandwidth_mbps[row].tolist()
    confidences = decoded.confidence[row].tolist()
    quantiles = decoded.quantiles_mbps[row].tolist()
    return tuple(
        HorizonForecast(steps, points[place], confidences[place], tuple(quantiles[place]))
        for place, steps in enumerate(HORIZONS)
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
