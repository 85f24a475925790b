"""The second half of a forecast's way: from the models' answers to what the caller is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from pba.forecasting.allocation import advise
from pba.forecasting.ensemble import MemberDistribution, confidence_weights, mixture
from pba.forecasting.fixed_share import MODEL
from pba.forecasting.link_record import LinkRecord
from pba.forecasting.planning import ForecastPlan, ModelCall, ModelFailure, ModelOutput
from pba.models.base import Prediction
from pba.models.distribution import decode
from pba.models.residuals import BINS
from pba.models.simple import SIMPLE_FORECASTERS
from pba.rollout import Arm
from pba.types import HORIZONS, Forecast, HorizonForecast, Member

__all__ = ["ForecastResult", "assemble"]

_NO_WINDOW = timedelta(days=3650)
_FALLBACK = "ewma"
_MUCH_LESS_SURE = 0.05


@dataclass(frozen=True, slots=True)
class ForecastResult:
    """A forecast, and what its outcome will teach.

    Parameters
    ----------
    forecast
        What the caller is told.
    confidence
        What the one who spoke gave each horizon, before the link's record moved it.
    points_mbps
        What each member of `pba.forecasting.fixed_share.EXPERTS` that was heard says, horizon by horizon.
    after_s
        When the newest sample that it rests on was measured, Unix seconds.
    arm
        Who answered.
    """

    forecast: Forecast
    confidence: tuple[float, ...]
    points_mbps: Mapping[str, tuple[float, ...]]
    after_s: float
    arm: Arm = Arm.V3


def assemble(
    plans: Sequence[ForecastPlan],
    asked: Sequence[ModelCall],
    answers: Sequence[ModelOutput | ModelFailure],
    made_at: datetime,
) -> list[ForecastResult]:
    """Return one forecast a plan: who leads on its link speaks, the models where nothing is known.

    Parameters
    ----------
    plans
        In the order of the requests.
    asked, answers
        What the models were given and, in the same order, what came back.
    made_at
        The moment of the forecast.
    """
    heard: list[list[_Heard]] = [[] for _ in plans]
    reasons = [list(planned.reasons) for planned in plans]
    for batch, answer in zip(asked, answers, strict=True):
        for position, row in enumerate(batch.plans):
            if isinstance(answer, ModelFailure):
                reasons[row].append(answer.reason)
            else:
                heard[row].append(_Heard(batch.model, answer, position))
    simple = _simple(plans, heard)
    parts = zip(plans, heard, simple, reasons, strict=True)
    return [_conclude(*part, made_at) for part in parts]


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    """One row of one forecaster's answer."""

    name: str
    answer: ModelOutput
    row: int

    @property
    def voice(self) -> MemberDistribution:
        said = self.answer.prediction
        return MemberDistribution(
            said.probabilities[self.row], said.level_mbps[self.row], self.answer.bins
        )

    @property
    def highest_mbps(self) -> float:
        """The most that it can say."""
        level_mbps = float(self.answer.prediction.level_mbps[self.row])
        return self.answer.bins.highest_mbps(level_mbps)

    def member(self, weight: float) -> Member:
        said = self.answer.decoded
        point, confidence = said.bandwidth_mbps[self.row, 0], said.confidence[self.row, 0]
        return Member(self.name, weight, float(point), float(confidence))

    @property
    def points_mbps(self) -> tuple[float, ...]:
        return tuple(self.answer.decoded.bandwidth_mbps[self.row].tolist())


def _simple(
    plans: Sequence[ForecastPlan], heard: Sequence[list[_Heard]]
) -> list[dict[str, _Heard]]:
    """Return what simple forecasters say: all on links with a record, one where no model spoke."""
    said: list[Prediction] = []
    names: list[tuple[str, int]] = []
    for name, forecaster in SIMPLE_FORECASTERS.items():
        rows: dict[int, list[int]] = {}
        for row, planned in enumerate(plans):
            if planned.query.record or (name == _FALLBACK and not heard[row]):
                rows.setdefault(len(planned.window), []).append(row)
        for chosen in rows.values():
            windows = np.array([plans[row].window.telemetry for row in chosen])
            said.append(forecaster.predict(windows))
            names += [(name, row) for row in chosen]
    found: list[dict[str, _Heard]] = [{} for _ in plans]
    if said:  # as one answer, which is decoded once
        answer = ModelOutput("", BINS, Prediction.joined(said))
        for position, (name, row) in enumerate(names):
            found[row][name] = _Heard(name, answer, position)
    return found


def _conclude(
    planned: ForecastPlan,
    models: list[_Heard],
    simple: dict[str, _Heard],
    reasons: list[str],
    made_at: datetime,
) -> ForecastResult:
    record = planned.query.record or LinkRecord()
    source, speaking = _speaking(models, simple, record.leader)
    weights = confidence_weights([member.member(1.0).confidence for member in speaking])
    horizons = _horizons(speaking, weights)
    confidence = tuple(horizon.confidence for horizon in horizons)
    points = {name: member.points_mbps for name, member in simple.items()}
    if models:
        said = horizons if source in ("model", "ensemble") else _pooled(models)
        points[MODEL] = tuple(horizon.bandwidth_mbps for horizon in said)
    adapted = _adapted(horizons, record)
    if adapted[0].confidence < confidence[0] - _MUCH_LESS_SURE:
        reasons = [*reasons, "recent_misses"]
    if _out_of_range(planned, speaking):
        reasons = [*reasons, "out_of_range"]
    latency_ms, packet_loss, jitter_ms = _path(models or speaking)
    forecast = Forecast(
        link_id=planned.query.link_id,
        mode=planned.mode,
        source=source,
        model_version="+".join(m.answer.version for m in speaking if m.answer.version) or None,
        made_at=made_at,
        valid_until=made_at + min(timedelta(seconds=planned.step_s), _NO_WINDOW),
        step_s=planned.step_s,
        horizons=adapted,
        latency_ms=latency_ms,
        packet_loss=packet_loss,
        jitter_ms=jitter_ms,
        members=_members(models, simple, speaking, weights),
        reasons=tuple(reasons),
    )
    asked = planned.query.allocation
    if asked is not None:
        forecast = replace(forecast, allocation=advise(forecast, asked))
    return ForecastResult(
        forecast, confidence, points, float(planned.window.timestamps_s[-1]), planned.arm
    )


def _speaking(
    models: list[_Heard], simple: dict[str, _Heard], leader: str
) -> tuple[str, list[_Heard]]:
    """Return the forecast's source, and who is behind it."""
    if leader in simple:
        return "expert" if models else "heuristic", [simple[leader]]
    if models:
        return "model" if len(models) == 1 else "ensemble", models
    return "heuristic", [simple[_FALLBACK]]


def _out_of_range(planned: ForecastPlan, speaking: list[_Heard]) -> bool:
    """Return whether the window holds a rate that somebody's bins, at its level now, end below."""
    highest_mbps = float(planned.window.telemetry[:, 0].max())
    return any(highest_mbps > member.highest_mbps for member in speaking)


def _pooled(heard: list[_Heard]) -> tuple[HorizonForecast, ...]:
    return _horizons(heard, confidence_weights([member.member(1.0).confidence for member in heard]))


def _members(
    models: list[_Heard],
    simple: dict[str, _Heard],
    speaking: list[_Heard],
    weights: tuple[float, ...],
) -> tuple[Member, ...]:
    """Return who spoke with their weights, then who was heard and left aside, with weight 0."""
    others = [member for member in (*models, *simple.values()) if member not in speaking]
    spoke = [member.member(weight) for member, weight in zip(speaking, weights, strict=True)]
    return (*spoke, *(member.member(0.0) for member in others))


def _adapted(
    horizons: tuple[HorizonForecast, ...], record: LinkRecord
) -> tuple[HorizonForecast, ...]:
    return tuple(
        replace(horizon, confidence=reliability.adapt(horizon.confidence))
        for horizon, reliability in zip(horizons, record.reliability, strict=True)
    )


def _horizons(heard: list[_Heard], weights: tuple[float, ...]) -> tuple[HorizonForecast, ...]:
    if len(heard) == 1:
        said, row = heard[0].answer.decoded, heard[0].row
    else:
        pooled = mixture([member.voice for member in heard], weights)
        level_mbps = np.array([pooled.level_mbps])
        said, row = decode(pooled.probabilities[None], level_mbps, pooled.bins), 0
    parts = zip(
        HORIZONS,
        said.bandwidth_mbps[row].tolist(),
        said.confidence[row].tolist(),
        said.quantiles_mbps[row].tolist(),
        strict=True,
    )
    return tuple(HorizonForecast(*part[:3], tuple(part[3])) for part in parts)


def _path(heard: list[_Heard]) -> list[float | None]:
    """Return latency, loss and jitter of the next step: the weighted mean of who measured them."""
    weights = confidence_weights([member.member(1.0).confidence for member in heard])
    said = np.array([member.answer.prediction.path[member.row] for member in heard], dtype=float)
    share = np.where(np.isnan(said), 0.0, np.array(weights)[:, None])
    total = share.sum(axis=0)
    mean = (np.nan_to_num(said) * share).sum(axis=0) / np.where(total > 0, total, 1.0)
    return [value if held > 0 else None for value, held in zip(mean.tolist(), total, strict=True)]
