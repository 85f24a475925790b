"""The members of a forecast: what each model and each simple forecaster predicts for a query.

The newest sample may be an outlier or the first of a new level. Then a window has two readings, and
a member's distribution is the mixture of its distributions for both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pba.forecasting.ensemble import MemberDistribution, mixture
from pba.forecasting.fixed_share import MODEL, leader
from pba.forecasting.model_call import ModelCall, ModelFailure, ModelOutput
from pba.forecasting.query import ForecastPlan
from pba.models.base import Prediction
from pba.models.distribution import DecodedForecast, decode
from pba.models.residuals import BINS, predict_together
from pba.models.simple import SIMPLE_FORECASTERS
from pba.types import HORIZONS, Floats, Member

__all__ = [
    "MemberForecast",
    "decode_one",
    "leading_expert",
    "model_members",
    "simple_members",
]

_FALLBACK = "ewma"
"""The simple forecaster that answers where no model does."""


@dataclass(slots=True, eq=False)  # four are made a forecast, and frozen ones cost twice as much
class MemberForecast:
    """What one forecaster predicts for one query: row ``row`` of its output.

    Parameters
    ----------
    name
        The forecaster's.
    output, decoded, row
        Its output for several queries, the same decoded, and which of them this is.
    points_mbps
        Its point at each horizon, and then of each interval.
    confidence
        Its confidence one step ahead.
    """

    name: str
    output: ModelOutput
    decoded: DecodedForecast
    row: int
    points_mbps: tuple[float, ...]
    confidence: float

    @property
    def distribution(self) -> MemberDistribution:
        """Its distributions of horizons and intervals, with their level and bins."""
        prediction = self.output.prediction.rows(self.row, self.row + 1)
        level_mbps = prediction.level_mbps[0]
        return MemberDistribution(prediction.distributions[0], level_mbps, self.output.bins)

    @property
    def highest_mbps(self) -> float:
        """The highest rate that its bins can express."""
        level_mbps = float(self.output.prediction.level_mbps[self.row])
        return self.output.bins.highest_mbps(level_mbps)

    @property
    def path(self) -> Floats:
        """Latency (ms), packet loss and jitter (ms) of the next step, NaN where not measured."""
        return np.asarray(self.output.prediction.path[self.row])

    def as_member(self, weight: float) -> Member:
        """Return the entry of the forecast's ``members``."""
        return Member(self.name, weight, self.points_mbps[0], self.confidence)


def model_members(
    plans: Sequence[ForecastPlan],
    calls: Sequence[ModelCall],
    outputs: Sequence[ModelOutput | ModelFailure],
) -> tuple[list[list[MemberForecast]], list[list[str]]]:
    """Return each plan's members from models, and the reasons of the models that failed.

    Parameters
    ----------
    calls, outputs
        The calls of the models and, in the same order, their outputs.
    """
    members: list[list[MemberForecast]] = [[] for _ in plans]
    failures: list[list[str]] = [[] for _ in plans]
    for call, output in zip(calls, outputs, strict=True):
        if isinstance(output, ModelFailure):
            for row in dict.fromkeys(call.plans):
                failures[row].append(output.reason)
            continue
        places = [(call.model, row) for row in call.plans]
        _add_members(members, places, output, _decoded(output))
    for row, plan in enumerate(plans):
        if plan.step_weight < 1.0:
            members[row] = _one_reading(plan, members[row])
    return members, failures


def simple_members(
    plans: Sequence[ForecastPlan],
    models: Sequence[list[MemberForecast]],
    experts: Sequence[str],
) -> list[dict[str, MemberForecast]]:
    """Return the simple forecasters' members: all for links with a record, else the fallback.

    The fallback takes part only where no model has an output.

    Parameters
    ----------
    models
        The members from models of each plan.
    experts
        The `leading_expert` of each plan: of others no quantiles are seen.
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
        readings = [(row, reading) for row in rows for reading in plans[row].readings]
        windows = np.array([reading.telemetry for _, reading in readings])
        predictions.append(predict_together([SIMPLE_FORECASTERS[name] for name in names], windows))
        places += [(name, row) for name in names for row, _ in readings]
    members: list[list[MemberForecast]] = [[] for _ in plans]
    if predictions:  # as one output, which is decoded once
        output = ModelOutput("", BINS, Prediction.concatenate(predictions))
        leads = np.array([name == experts[row] for name, row in places])
        _add_members(members, places, output, _decoded(output, leads))
    return [
        {member.name: member for member in _one_reading(plan, of_plan)}
        for plan, of_plan in zip(plans, members, strict=True)
    ]


def _add_members(
    members: list[list[MemberForecast]],
    places: Sequence[tuple[str, int]],
    output: ModelOutput,
    decoded: DecodedForecast,
) -> None:
    """Add each row of ``output`` to the members of the plan at its place."""
    points = decoded.bandwidth_mbps.tolist()
    confidences = decoded.confidence[:, 0].tolist()
    rows = zip(places, points, confidences, strict=True)
    for position, ((name, row), points_mbps, confidence) in enumerate(rows):
        members[row].append(
            MemberForecast(name, output, decoded, position, tuple(points_mbps), confidence)
        )


def decode_one(distribution: MemberDistribution) -> DecodedForecast:
    """Return point, confidence and quantiles of one distribution, as a batch of one."""
    level_mbps = np.array([distribution.level_mbps])
    return decode(distribution.probabilities[None], level_mbps, distribution.bins)


def _one_reading(plan: ForecastPlan, members: list[MemberForecast]) -> list[MemberForecast]:
    """Return one member for each name, of the mixture where the window has two readings."""
    if plan.step_weight == 1.0:
        return members
    weights = (plan.step_weight, 1.0 - plan.step_weight)
    pairs = zip(members[::2], members[1::2], strict=True)
    return [_mixed(pair, weights) for pair in pairs]


def _mixed(
    readings: tuple[MemberForecast, MemberForecast], weights: tuple[float, float]
) -> MemberForecast:
    measured = readings[0]
    pooled = mixture([reading.distribution for reading in readings], weights)
    level_mbps = np.array([pooled.level_mbps])
    horizons, intervals = np.split(pooled.probabilities[None], [len(HORIZONS)], axis=1)
    prediction = Prediction(
        horizons,
        level_mbps,
        measured.path[None],
        intervals=intervals if intervals.shape[1] else None,
    )
    output = ModelOutput(measured.output.version, pooled.bins, prediction)
    decoded = decode_one(pooled)
    points_mbps, confidence = decoded.bandwidth_mbps[0].tolist(), float(decoded.confidence[0, 0])
    return MemberForecast(measured.name, output, decoded, 0, tuple(points_mbps), confidence)


def leading_expert(plan: ForecastPlan, models: Sequence[MemberForecast]) -> str:
    """Return the expert whose forecast is the link's, given the members from ``models``."""
    expert = leader(plan.record.weights) if plan.record else MODEL
    return _FALLBACK if expert == MODEL and not models else expert


def _decoded(output: ModelOutput, with_quantiles: np.ndarray | None = None) -> DecodedForecast:
    """Return points, confidences and quantiles of every row, or the quantiles of some alone."""
    if output.decoded is not None:
        return output.decoded
    values = output.prediction
    return decode(
        values.distributions, values.level_mbps, output.bins, values.worth, with_quantiles
    )
