"""Settling a link's open forecasts against the samples measured after them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from pba.forecasting.link_record import LinkRecord
from pba.scoring.outcome import OpenForecast, Outcome
from pba.telemetry.outliers import isolated_rates, newest_is_unlike, outlier_rates
from pba.telemetry.windows import GAP_INTERVALS, following_steps
from pba.types import HORIZONS, Floats

__all__ = ["Settlement", "settle"]


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
    """Match every open forecast with the samples that followed it.

    The actual ``n`` steps ahead is the ``n``-th step after the newest sample that the forecast is
    based on: one sample, or the mean of those that count as one (`pba.telemetry.windows`). Horizons
    behind a gap of more than ``gap_intervals`` steps are not scored, and neither is an isolated
    outlier. A newest sample that may be one waits for the next.

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
        outcomes += new
        if complete:
            closed.append(forecast.id)
    outcomes.sort(key=lambda outcome: (outcome.at_us, outcome.horizon, outcome.forecast.id))
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
