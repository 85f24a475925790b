"""Forecasts held against what was then measured on their link. Pure: rows in, outcomes out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pba.evaluation.metrics import in_band
from pba.forecasting.link_record import LinkRecord
from pba.rollout import Arm
from pba.telemetry.windows import GAP_INTERVALS
from pba.types import HORIZONS, QUANTILES, Floats

__all__ = ["Outcome", "OpenForecast", "Settlement", "settle"]

_HALF = QUANTILES.index(0.25), QUANTILES.index(0.75)
_NINETY = QUANTILES.index(0.05), QUANTILES.index(0.95)


@dataclass(frozen=True, slots=True)
class OpenForecast:
    """A forecast of which some horizon is not settled.

    Parameters
    ----------
    number
        Its key in the store.
    after_us
        When the newest sample that it knew was measured.
    made_us
        When it was made, by the clock of the service.
    said
        ``points_mbps``, ``confidence`` (as told), ``unadapted`` (as the speaker gave it),
        ``quantiles_mbps``, one item a horizon each, and ``members``: the points of every expert.
    settled
        The steps that have an outcome already.
    arm, served
        Who said it, and whether to the caller or only to be compared.
    """

    number: int
    after_us: int
    step_s: float
    mode: str
    source: str
    version: str
    made_us: int
    said: dict[str, Any]
    settled: frozenset[int] = frozenset()
    arm: Arm = Arm.V3
    served: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one horizon of a forecast turned out."""

    pending: OpenForecast
    at: int
    at_us: int
    actual_mbps: float

    @property
    def steps(self) -> int:
        """How many steps ahead it was."""
        return HORIZONS[self.at]

    @property
    def forecast_mbps(self) -> float:
        """What was said."""
        return float(self.pending.said["points_mbps"][self.at])

    @property
    def confidence(self) -> float:
        """How sure the caller was told to be."""
        return float(self.pending.said["confidence"][self.at])

    @property
    def hit(self) -> bool:
        """Whether what was said was in band."""
        return _hit(self.forecast_mbps, self.actual_mbps)

    @property
    def quartiles_mbps(self) -> tuple[float, float]:
        """Between what rates the actual was to be half of the time."""
        low, high = (float(self.pending.said["quantiles_mbps"][self.at][at]) for at in _HALF)
        return low, high

    @property
    def covered(self) -> tuple[bool, bool]:
        """Whether the actual is between the quantiles of the 50 % and of the 90 % interval."""
        quantiles = self.pending.said["quantiles_mbps"][self.at]
        fifty, ninety = (
            bool(quantiles[low] <= self.actual_mbps <= quantiles[high])
            for low, high in (_HALF, _NINETY)
        )
        return fifty, ninety

    def teach(self, record: LinkRecord) -> LinkRecord:
        """Return ``record`` after this outcome: it is v3's, and v1 learns nothing."""
        if self.pending.arm is not Arm.V3:
            return record
        members = {
            name: _hit(points[self.at], self.actual_mbps)
            for name, points in self.pending.said["members"].items()
        }
        unadapted = float(self.pending.said["unadapted"][self.at])
        return record.after(self.at, unadapted, self.hit, members)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is new: outcomes, the forecasts that are done with, and the link's record after them."""

    outcomes: tuple[Outcome, ...]
    closed: tuple[int, ...]
    record: LinkRecord


def settle(
    pending: Sequence[OpenForecast],
    at_us: np.ndarray,
    bandwidth_mbps: Floats,
    record: LinkRecord,
    gap_intervals: float = GAP_INTERVALS,
) -> Settlement:
    """Hold every pending forecast against the samples that came after it.

    The outcome ``n`` steps ahead is the ``n``-th sample after the newest that the forecast knew. Of
    a horizon behind a pause of more than ``gap_intervals`` steps nothing is said.

    Parameters
    ----------
    pending
        Of one link.
    at_us, bandwidth_mbps
        The link's samples from the first pending forecast's own on, oldest first, ``(sample,)``.
    record
        What is known of the link.
    """
    outcomes: list[Outcome] = []
    closed = []
    for one in pending:
        found, done = _look(one, at_us, bandwidth_mbps, gap_intervals)
        outcomes += found
        closed += [one.number] * done
    outcomes.sort(key=lambda one: (one.at_us, one.at, one.pending.number))
    for outcome in outcomes:
        record = outcome.teach(record)
    return Settlement(tuple(outcomes), tuple(closed), record)


def _look(
    one: OpenForecast, at_us: np.ndarray, bandwidth_mbps: Floats, gap_intervals: float
) -> tuple[list[Outcome], bool]:
    """Return the new outcomes of one forecast, and whether there is nothing left to come."""
    first = int(np.searchsorted(at_us, one.after_us, side="right"))
    times = at_us[first : first + HORIZONS[-1]]
    pauses = np.diff(times, prepend=one.after_us) > gap_intervals * one.step_s * 1e6
    reached = int(np.argmax(pauses)) if pauses.any() else len(times)
    found = list(_reached(one, times, bandwidth_mbps[first:], reached))
    return found, reached < len(times) or len(times) == HORIZONS[-1]


def _reached(
    one: OpenForecast, times: np.ndarray, bandwidth_mbps: Floats, reached: int
) -> Iterator[Outcome]:
    for at, steps in enumerate(HORIZONS):
        if steps <= reached and steps not in one.settled:
            yield Outcome(one, at, int(times[steps - 1]), float(bandwidth_mbps[steps - 1]))


def _hit(forecast_mbps: float, actual_mbps: float) -> bool:
    return bool(in_band(np.array(forecast_mbps), np.array(actual_mbps)))
