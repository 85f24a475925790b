"""The second half of a forecast: from the models' outputs to the forecast that the caller gets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import isnan

import numpy as np

from pba.forecasting.allocation import advise
from pba.forecasting.ensemble import MemberDistribution, confidence_weights, mixture
from pba.forecasting.fixed_share import MODEL, leader
from pba.forecasting.link_record import LinkRecord
from pba.forecasting.model_call import ModelCall, ModelFailure, ModelOutput
from pba.forecasting.query import ForecastPlan
from pba.forecasting.result import ForecastResult
from pba.models.base import Prediction
from pba.models.distribution import DecodedForecast, decode
from pba.models.residuals import BINS, predict_together
from pba.models.simple import SIMPLE_FORECASTERS
from pba.types import HORIZONS, Floats, Forecast, HorizonForecast, Member

__all__ = ["assemble"]

_LONGEST_VALIDITY = timedelta(days=3650)
_FALLBACK = "ewma"
_CONFIDENCE_DROP = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class MemberForecast:
    """What one forecaster predicts for one query: row ``row`` of its output."""

    name: str
    output: ModelOutput
    decoded: DecodedForecast
    row: int

    @property
    def distribution(self) -> MemberDistribution:
        """Its probabilities, shape ``(horizon, bin)``, with their level and bins."""
        prediction = self.output.prediction
        return MemberDistribution(
            prediction.probabilities[self.row], prediction.level_mbps[self.row], self.output.bins
        )

    @property
    def highest_mbps(self) -> float:
        """The highest rate that its bins can express."""
        level_mbps = float(self.output.prediction.level_mbps[self.row])
        return self.output.bins.highest_mbps(level_mbps)

    @property
    def points_mbps(self) -> tuple[float, ...]:
        """Its point at each horizon."""
        return tuple(self.decoded.bandwidth_mbps[self.row].tolist())

    @property
    def confidence(self) -> float:
        """Its confidence one step ahead."""
        return float(self.decoded.confidence[self.row, 0])

    @property
    def path(self) -> Floats:
        """Latency (ms), packet loss and jitter (ms) of the next step, NaN where not measured."""
        return np.asarray(self.output.prediction.path[self.row])

    def as_member(self, weight: float) -> Member:
        """Return the entry of the forecast's ``members``."""
        point_mbps = float(self.decoded.bandwidth_mbps[self.row, 0])
        return Member(self.name, weight, point_mbps, self.confidence)


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
    models: list[list[MemberForecast]] = [[] for _ in plans]
    reasons = [list(plan.reasons) for plan in plans]
    for call, output in zip(calls, outputs, strict=True):
        if isinstance(output, ModelFailure):
            for row in call.plans:
                reasons[row].append(output.reason)
            continue
        decoded = _decoded(output)
        for position, row in enumerate(call.plans):
            models[row].append(MemberForecast(call.model, output, decoded, position))
    simple = _simple_members(plans, models)
    rows = zip(plans, models, simple, reasons, strict=True)
    return [_result(*row, created_at) for row in rows]


def _simple_members(
    plans: Sequence[ForecastPlan], models: Sequence[list[MemberForecast]]
) -> list[dict[str, MemberForecast]]:
    """Return the simple forecasters' members: all for links with a record, else the fallback.

    The fallback takes part only where no model has an output.
    """
    groups: dict[tuple[int, bool], list[int]] = {}
    for row, plan in enumerate(plans):
        recorded = plan.record is not None
        if recorded or not models[row]:
            groups.setdefault((len(plan.window.timestamps_s), recorded), []).append(row)
    predictions: list[Prediction] = []
    places: list[tuple[str, int]] = []
    for (_, recorded), rows in groups.items():
        names = tuple(SIMPLE_FORECASTERS) if recorded else (_FALLBACK,)
        windows = np.array([plans[row].window.telemetry for row in rows])
        predictions.append(predict_together([SIMPLE_FORECASTERS[name] for name in names], windows))
        places += [(name, row) for name in names for row in rows]
    members: list[dict[str, MemberForecast]] = [{} for _ in plans]
    if predictions:  # as one output, which is decoded once
        output = ModelOutput("", BINS, Prediction.concatenate(predictions))
        decoded = _decoded(output)
        for position, (name, row) in enumerate(places):
            members[row][name] = MemberForecast(name, output, decoded, position)
    return members


def _decoded(output: ModelOutput) -> DecodedForecast:
    """Return points, confidences and quantiles of every row."""
    if output.decoded is not None:
        return output.decoded
    return decode(output.prediction.probabilities, output.prediction.level_mbps, output.bins)


def _result(
    plan: ForecastPlan,
    models: list[MemberForecast],
    simple: dict[str, MemberForecast],
    reasons: list[str],
    created_at: datetime,
) -> ForecastResult:
    source, sources = _sources(models, simple, plan.record)
    weights = _weights(sources)
    horizons = _horizons(sources, weights)
    out_of_range = _out_of_range(plan, sources)
    adapted = _adapted(horizons, plan.record)
    if adapted[0].confidence < horizons[0].confidence - _CONFIDENCE_DROP:
        reasons.append("recent_misses")
    reasons += ["out_of_range"] if out_of_range else []
    latency_ms, packet_loss, jitter_ms = _path(models, sources, weights)
    forecast = Forecast(
        link_id=plan.query.link_id,
        mode=plan.mode,
        source=source,
        model_version="+".join(m.output.version for m in sources if m.output.version) or None,
        made_at=created_at,
        valid_until=created_at + min(timedelta(seconds=plan.step_s), _LONGEST_VALIDITY),
        step_s=plan.step_s,
        horizons=adapted,
        latency_ms=latency_ms,
        packet_loss=packet_loss,
        jitter_ms=jitter_ms,
        members=_members(models, simple, sources, weights),
        reasons=tuple(reasons),
    )
    if plan.query.allocation is not None:
        forecast = replace(forecast, allocation=advise(forecast, plan.query.allocation))
    return ForecastResult(
        forecast,
        tuple(horizon.confidence for horizon in horizons),
        _expert_points(models, simple, horizons if sources is models else None),
        float(plan.window.timestamps_s[-1]),
        plan.arm,
    )


def _sources(
    models: list[MemberForecast], simple: dict[str, MemberForecast], record: LinkRecord | None
) -> tuple[str, list[MemberForecast]]:
    """Return the forecast's ``source``, and the members with a weight."""
    expert = leader(record.weights) if record else MODEL
    if expert in simple:
        return "expert" if models else "heuristic", [simple[expert]]
    if models:
        return "model" if len(models) == 1 else "ensemble", models
    return "heuristic", [simple[_FALLBACK]]


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
        decoded, row = members[0].decoded, members[0].row
    else:
        pooled = mixture([member.distribution for member in members], weights)
        level_mbps = np.array([pooled.level_mbps])
        decoded, row = decode(pooled.probabilities[None], level_mbps, pooled.bins), 0
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
