"""The way of a forecast, in two halves: `plan` before the models are asked, `assemble` after.

Nothing here waits or knows where models run, so one process and a cluster share it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from pba.distribution import Bins, Decoded, decode
from pba.ensemble import Voice, confidence_weights, mixture
from pba.errors import InvalidHistory
from pba.models.base import Forecaster, Prediction
from pba.modes import PROFILES, detect_mode
from pba.types import HORIZONS, Floats, Forecast, History, HorizonForecast, Member, NetworkMode
from pba.windows import GAP_INTERVALS, since_last_gap, spacing

__all__ = ["Absent", "Answer", "Batch", "Plan", "Query", "assemble", "batches", "plan"]

_NO_WINDOW = timedelta(days=3650)


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A request for a forecast; ``mode`` None means that it is detected."""

    history: History
    mode: NetworkMode | None = None
    link_id: str | None = None


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


def assemble(
    plans: Sequence[Plan],
    asked: Sequence[Batch],
    answers: Sequence[Answer | Absent],
    fallback: Forecaster,
    made_at: datetime,
) -> list[Forecast]:
    """Return one forecast a plan: a model's, the ensemble's, or the fallback's where none answered.

    Parameters
    ----------
    plans
        In the order of the requests.
    asked, answers
        What the models were given and, in the same order, what came back.
    fallback
        A forecaster that takes any window of two samples or more.
    made_at
        The moment of the forecast.
    """
    heard: list[list[_Heard]] = [[] for _ in plans]
    reasons = [list(planned.reasons) for planned in plans]
    for batch, answer in zip(asked, answers, strict=True):
        for position, row in enumerate(batch.plans):
            if isinstance(answer, Absent):
                reasons[row].append(answer.reason)
            else:
                heard[row].append(_Heard(batch.model, answer, position))
    return [
        _conclude(planned, members, tuple(why), fallback, made_at)
        for planned, members, why in zip(plans, heard, reasons, strict=True)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    """One row of one model's answer."""

    name: str
    answer: Answer
    row: int

    @property
    def voice(self) -> Voice:
        said = self.answer.prediction
        return Voice(said.probabilities[self.row], said.level_mbps[self.row], self.answer.bins)

    def member(self, weight: float) -> Member:
        said = self.answer.decoded
        point, confidence = said.bandwidth_mbps[self.row, 0], said.confidence[self.row, 0]
        return Member(self.name, weight, float(point), float(confidence))


def _conclude(
    planned: Plan,
    heard: list[_Heard],
    reasons: tuple[str, ...],
    fallback: Forecaster,
    made_at: datetime,
) -> Forecast:
    source = "model" if len(heard) == 1 else "ensemble"
    version = "+".join(member.answer.version for member in heard) or None
    if not heard:
        source = "heuristic"
        said = fallback.predict(planned.window.telemetry[None])
        heard = [_Heard(fallback.name, Answer("", fallback.bins, said), 0)]
    weights = confidence_weights([member.member(1.0).confidence for member in heard])
    latency_ms, packet_loss, jitter_ms = _path(heard, weights)
    return Forecast(
        link_id=planned.query.link_id,
        mode=planned.mode,
        source=source,
        model_version=version,
        made_at=made_at,
        valid_until=made_at + min(timedelta(seconds=planned.step_s), _NO_WINDOW),
        step_s=planned.step_s,
        horizons=_horizons(heard, weights),
        latency_ms=latency_ms,
        packet_loss=packet_loss,
        jitter_ms=jitter_ms,
        members=tuple(m.member(weight) for m, weight in zip(heard, weights, strict=True)),
        reasons=reasons,
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


def _path(heard: list[_Heard], weights: tuple[float, ...]) -> list[float | None]:
    """Return latency, loss and jitter of the next step: the weighted mean of who measured them."""
    said = np.array([member.answer.prediction.path[member.row] for member in heard], dtype=float)
    share = np.where(np.isnan(said), 0.0, np.array(weights)[:, None])
    total = share.sum(axis=0)
    mean = (np.nan_to_num(said) * share).sum(axis=0) / np.where(total > 0, total, 1.0)
    return [value if held > 0 else None for value, held in zip(mean.tolist(), total, strict=True)]
