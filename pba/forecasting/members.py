"""The members of a forecast: what each model and each simple forecaster predicts for a query.

The newest sample may be an outlier or the first of a new level. Then a window has two readings, and
a member's distribution is the mixture of its distributions for both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pba.forecasting.ensemble import MemberDistribution, mixture
from pba.forecasting.model_call import ModelCall, ModelFailure, ModelOutput
from pba.forecasting.query import ForecastPlan
from pba.models.base import Prediction
from pba.models.distribution import DecodedForecast, decode
from pba.models.residuals import BINS, predict_together
from pba.models.simple import SIMPLE_FORECASTERS
from pba.types import Floats, Member

__all__ = ["FALLBACK", "MemberForecast", "decode_one", "model_members", "simple_members"]

FALLBACK = "ewma"
"""The simple forecaster that answers where no model does."""


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
        decoded = _decoded(output)
        for position, row in enumerate(call.plans):
            members[row].append(MemberForecast(call.model, output, decoded, position))
    for row, plan in enumerate(plans):
        if plan.step_weight < 1.0:
            members[row] = _one_reading(plan, members[row])
    return members, failures


def simple_members(
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
        names = tuple(SIMPLE_FORECASTERS) if recorded else (FALLBACK,)
        readings = [(row, reading) for row in rows for reading in plans[row].readings]
        windows = np.array([reading.telemetry for _, reading in readings])
        predictions.append(predict_together([SIMPLE_FORECASTERS[name] for name in names], windows))
        places += [(name, row) for name in names for row, _ in readings]
    members: list[list[MemberForecast]] = [[] for _ in plans]
    if predictions:  # as one output, which is decoded once
        output = ModelOutput("", BINS, Prediction.concatenate(predictions))
        decoded = _decoded(output)
        for position, (name, row) in enumerate(places):
            members[row].append(MemberForecast(name, output, decoded, position))
    return [
        {member.name: member for member in _one_reading(plan, of_plan)}
        for plan, of_plan in zip(plans, members, strict=True)
    ]


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
    prediction = Prediction(pooled.probabilities[None], level_mbps, measured.path[None])
    output = ModelOutput(measured.output.version, pooled.bins, prediction)
    return MemberForecast(measured.name, output, decode_one(pooled), 0)


def _decoded(output: ModelOutput) -> DecodedForecast:
    """Return points, confidences and quantiles of every row."""
    if output.decoded is not None:
        return output.decoded
    prediction = output.prediction
    return decode(prediction.probabilities, prediction.level_mbps, output.bins, prediction.worth)
