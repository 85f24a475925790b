"""Settling one link after the other, in plain loops: the oracle of `settle_batch`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from pba.evaluation.metrics import in_band
from pba.forecasting.link_record import LinkRecord
from pba.rollout import Arm
from pba.telemetry.outliers import isolated_rates, newest_is_unlike, outlier_rates
from pba.telemetry.windows import GAP_INTERVALS, following_steps
from pba.types import HORIZONS, INTERVALS, Floats


@dataclass(frozen=True, slots=True)
class OpenForecast:
    """A forecast of which some horizons are not scored yet.

    Parameters
    ----------
    id
        Its row in the batch.
    prediction
        As `pba.scoring.forecast_body.unpack` returns it.
    settled
        The steps that have an outcome already, those of intervals negative.
    """

    id: int
    after_us: int
    step_s: float
    prediction: dict[str, Any]
    settled: frozenset[int]
    arm: Arm


@dataclass(frozen=True, slots=True)
class Outcome:
    """One target of a forecast, a horizon or after those an interval, and its actual."""

    forecast: OpenForecast
    target: int
    at_us: int
    actual_mbps: float

    @property
    def hit(self) -> bool:
        """Whether the point is in band."""
        point_mbps = self.forecast.prediction["points_mbps"][self.target]
        return _in_band(point_mbps, self.actual_mbps)

    def update(self, record: LinkRecord) -> LinkRecord:
        """Return ``record`` updated by this outcome; outcomes of v1 leave it as it is."""
        if self.forecast.arm is not Arm.V3:
            return record
        prediction = self.forecast.prediction
        members = {
            name: _in_band(points[self.target], self.actual_mbps)
            for name, points in prediction["members"].items()
            if self.target < len(HORIZONS)
        }
        unadapted = float(prediction["unadapted"][self.target])
        return record.after(self.target, unadapted, self.hit, members, self._missed)

    @property
    def _missed(self) -> tuple[bool, bool]:
        """Whether the actual is below and above the 90 % interval."""
        quantiles_mbps = self.forecast.prediction["quantiles_mbps"][self.target]
        return self.actual_mbps < quantiles_mbps[0], self.actual_mbps > quantiles_mbps[-1]


def _in_band(forecast_mbps: float, actual_mbps: float) -> bool:
    return bool(in_band(np.array(forecast_mbps), np.array(actual_mbps)))


@dataclass(frozen=True, slots=True)
class Settlement:
    """The result of settling a link.

    Parameters
    ----------
    outcomes
        The new outcomes, oldest first.
    closed
        Ids of the forecasts that need no more samples.
    record
        The link's record after the outcomes.
    """

    outcomes: tuple[Outcome, ...]
    closed: tuple[int, ...]
    record: LinkRecord


def settle(
    forecasts: Sequence[OpenForecast],
    at_us: np.ndarray,
    bandwidth_mbps: Floats,
    record: LinkRecord,
    gap_intervals: float = GAP_INTERVALS,
) -> Settlement:
    """Match every open forecast of one link with the samples that followed it.

    Parameters
    ----------
    forecasts
        Open forecasts of one link.
    at_us, bandwidth_mbps
        The link's samples, oldest first, ``(sample,)``: from the newest one that the first forecast
        is based on, and up to 30 before it, which show what is an outlier.
    record
        The link's record before.
    """
    outcomes: list[Outcome] = []
    closed = []
    actuals = _Actuals.of(at_us, bandwidth_mbps)
    for forecast in forecasts:
        new, complete = _match(forecast, actuals, gap_intervals)
        means, complete_means = _match_means(forecast, actuals, gap_intervals)
        outcomes += new + means
        if complete and complete_means:
            closed.append(forecast.id)
    outcomes.sort(key=lambda outcome: (outcome.at_us, outcome.target, outcome.forecast.id))
    for outcome in outcomes:
        record = outcome.update(record)
    return Settlement(tuple(outcomes), tuple(closed), record)


@dataclass(frozen=True, slots=True, eq=False)
class _Actuals:
    """A link's samples, and which of them are not scored.

    Parameters
    ----------
    outliers
        The indices of isolated outliers.
    undecided
        The index of the newest sample if it may be an outlier, else None.
    """

    at_us: np.ndarray
    bandwidth_mbps: Floats
    outliers: frozenset[int]
    undecided: int | None

    @classmethod
    def of(cls, at_us: np.ndarray, bandwidth_mbps: Floats) -> Self:
        """Return the actuals in a link's samples, which may be none."""
        if not len(at_us):
            return cls(at_us, bandwidth_mbps, frozenset(), None)
        outliers = outlier_rates(bandwidth_mbps)
        unlike = newest_is_unlike(bandwidth_mbps, isolated_rates(bandwidth_mbps))
        return cls(at_us, bandwidth_mbps, frozenset(outliers), len(at_us) - 1 if unlike else None)


def _match(
    forecast: OpenForecast, actuals: _Actuals, gap_intervals: float
) -> tuple[list[Outcome], bool]:
    """Return the new outcomes of one forecast, and whether it needs no more samples."""
    step_us = forecast.step_s * 1e6
    starts = following_steps(actuals.at_us, forecast.after_us, step_us, HORIZONS[-1] + 1)
    stops = np.append(starts, len(actuals.at_us))[1:].tolist()
    starts = starts[: HORIZONS[-1]]
    gaps = np.diff(actuals.at_us[starts], prepend=forecast.after_us) > gap_intervals * step_us
    reached = int(np.argmax(gaps)) if gaps.any() else len(starts)
    spans = list(zip(starts[:reached].tolist(), stops, strict=False))
    outcomes = list(_outcomes(forecast, spans, actuals))
    undecided = bool(spans) and spans[-1][0] == actuals.undecided
    complete = reached < len(starts) or len(starts) == HORIZONS[-1]
    return outcomes, complete and not undecided


def _outcomes(
    forecast: OpenForecast, spans: Sequence[tuple[int, int]], actuals: _Actuals
) -> Iterator[Outcome]:
    """Yield the outcomes of the unsettled horizons, whose steps are ``spans`` of samples."""
    for horizon, steps in enumerate(HORIZONS):
        if steps > len(spans) or steps in forecast.settled:
            continue
        start, stop = spans[steps - 1]
        if start in actuals.outliers or start == actuals.undecided:
            continue
        actual_mbps = float(actuals.bandwidth_mbps[start:stop].mean())
        yield Outcome(forecast, horizon, int(actuals.at_us[start]), actual_mbps)


def _match_means(
    forecast: OpenForecast, actuals: _Actuals, gap_intervals: float
) -> tuple[list[Outcome], bool]:
    """Return the new outcomes of one forecast's intervals, and whether it waits for no more."""
    outcomes, complete = [], True
    offered = len(forecast.prediction["points_mbps"]) - len(HORIZONS)
    for interval, steps in enumerate(INTERVALS[:offered]):
        if -steps in forecast.settled or forecast.after_us not in actuals.at_us:
            continue
        mean_mbps, is_over = _mean(forecast, actuals, steps, gap_intervals)
        complete &= is_over
        if is_over and mean_mbps is not None:
            at_us = forecast.after_us + round(steps * forecast.step_s * 1e6)
            outcomes.append(Outcome(forecast, len(HORIZONS) + interval, at_us, mean_mbps))
    return outcomes, complete


def _mean(
    forecast: OpenForecast, actuals: _Actuals, steps: int, gap_intervals: float
) -> tuple[float | None, bool]:
    """Return the mean over the next ``steps`` steps if it counts, and whether it is decided."""
    step_us = forecast.step_s * 1e6
    end_us = forecast.after_us + steps * step_us
    before_us, total, covered_us = forecast.after_us, 0.0, 0.0
    for at_us, rate in zip(actuals.at_us.tolist(), actuals.bandwidth_mbps.tolist(), strict=True):
        if at_us <= forecast.after_us:
            continue
        if at_us - before_us > gap_intervals * step_us:
            return None, True
        part_us = min(at_us, end_us) - before_us
        total, covered_us, before_us = total + part_us * rate, covered_us + part_us, at_us
        if at_us >= end_us - 1e-6 * step_us:
            return total / covered_us, True
    return None, False
