"""Settling a link's open forecasts against the samples measured after them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pba.forecasting.link_record import LinkRecord
from pba.scoring.outcome import OpenForecast, Outcome
from pba.telemetry.windows import GAP_INTERVALS
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

    The actual ``n`` steps ahead is the ``n``-th sample after the newest one that the forecast is
    based on. Horizons behind a gap of more than ``gap_intervals`` steps are not scored.

    Parameters
    ----------
    forecasts
        Open forecasts of one link.
    at_us, bandwidth_mbps
        The link's samples, oldest first, from the newest one that the first forecast is based on,
        ``(sample,)``.
    record
        The link's record before.
    """
    outcomes: list[Outcome] = []
    closed = []
    for forecast in forecasts:
        new, complete = _match(forecast, at_us, bandwidth_mbps, gap_intervals)
        outcomes += new
        if complete:
            closed.append(forecast.id)
    outcomes.sort(key=lambda outcome: (outcome.at_us, outcome.horizon, outcome.forecast.id))
    for outcome in outcomes:
        record = outcome.update(record)
    return Settlement(tuple(outcomes), tuple(closed), record)


def _match(
    forecast: OpenForecast, at_us: np.ndarray, bandwidth_mbps: Floats, gap_intervals: float
) -> tuple[list[Outcome], bool]:
    """Return the new outcomes of one forecast, and whether it needs no more samples."""
    first = int(np.searchsorted(at_us, forecast.after_us, side="right"))
    times_us = at_us[first : first + HORIZONS[-1]]
    gap_us = gap_intervals * forecast.step_s * 1e6
    gaps = np.diff(times_us, prepend=forecast.after_us) > gap_us
    reached = int(np.argmax(gaps)) if gaps.any() else len(times_us)
    outcomes = list(_outcomes(forecast, times_us[:reached], bandwidth_mbps[first:]))
    return outcomes, reached < len(times_us) or len(times_us) == HORIZONS[-1]


def _outcomes(
    forecast: OpenForecast, times_us: np.ndarray, bandwidth_mbps: Floats
) -> Iterator[Outcome]:
    """Yield the outcomes of the unsettled horizons that ``times_us`` reaches."""
    for horizon, steps in enumerate(HORIZONS):
        if steps <= len(times_us) and steps not in forecast.settled:
            actual_mbps = float(bandwidth_mbps[steps - 1])
            yield Outcome(forecast, horizon, int(times_us[steps - 1]), actual_mbps)
