"""Many links at once, as arrays: what is due, what was measured, and what became of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pba.forecasting.record_table import RecordTable
from pba.types import Floats

__all__ = ["BatchSettlement", "DueBatch", "LinkSamples", "OpenForecasts", "OutcomeTable"]

_Ints = NDArray[np.int64]
_Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class OpenForecasts:
    """Open forecasts of many links, ordered by link, time of the newest sample, arm and version.

    Parameters
    ----------
    link, after_us, arm, version
        Their key in the store, ``(forecast,)``.
    created_us
        When the service computed them, by its clock.
    mode, source
        Codes of `pba.scoring.codes`, as is ``arm``.
    served
        Whether the caller received them, or they were computed for comparison.
    step_s, took_ms
        The link's sample spacing, and how long the forecast took.
    actual_mbps
        The actuals that are known, NaN where not, ``(forecast, target)``: those of the horizons,
        then those of the intervals.
    points_mbps, confidence, unadapted
        As `pba.scoring.forecast_body.pack` takes them, ``(forecast, target)``; points of intervals
        that a forecast lacks are NaN.
    quantiles_mbps
        Shape ``(forecast, target, quantile)``.
    members_mbps
        The points of each of `pba.forecasting.fixed_share.EXPERTS`, NaN for those that took no
        part, ``(forecast, expert, horizon)``.
    """

    link: _Ints
    after_us: _Ints
    arm: _Ints
    version: _Ints
    created_us: _Ints
    mode: _Ints
    source: _Ints
    served: _Flags
    step_s: Floats
    took_ms: Floats
    actual_mbps: Floats
    points_mbps: Floats
    confidence: Floats
    unadapted: Floats
    quantiles_mbps: Floats
    members_mbps: Floats


@dataclass(frozen=True, slots=True, eq=False)
class LinkSamples:
    """Samples of many links, ordered by link and time, ``(sample,)``."""

    link: _Ints
    at_us: _Ints
    bandwidth_mbps: Floats


@dataclass(frozen=True, slots=True, eq=False)
class DueBatch:
    """Links to score, with all that scoring them needs.

    Parameters
    ----------
    links, names
        The links' keys, increasing, and their names in this order, ``(link,)``.
    reports
        `due_links.generation` of each link when it was claimed, ``(link,)``.
    generation
        `link_records.generation` of each link; -1 for links without a record, ``(link,)``.
    records
        The links' records, in this order.
    drift
        The state of each link's drift detection, None for a new link.
    forecasts
        The links' open forecasts.
    samples
        From the newest sample that a link's oldest open forecast is based on, and up to 30 before.
    """

    links: _Ints
    names: tuple[str, ...]
    reports: _Ints
    generation: _Ints
    records: RecordTable
    drift: tuple[bytes | None, ...]
    forecasts: OpenForecasts
    samples: LinkSamples


_OUTCOME = ("row", "target", "at_us", "actual_mbps", "hit")


@dataclass(frozen=True, slots=True, eq=False)
class OutcomeTable:
    """New outcomes, ordered by link, time of the actual, target and forecast, ``(outcome,)``.

    Parameters
    ----------
    row
        The forecast: an index into `OpenForecasts`.
    target
        Index into `pba.types.HORIZONS`, or after those into `pba.types.INTERVALS`.
    at_us, actual_mbps
        When the actual was measured, or its interval ends, and how much.
    hit
        Whether the point is in band.
    """

    row: _Ints
    target: _Ints
    at_us: _Ints
    actual_mbps: Floats
    hit: _Flags

    def __len__(self) -> int:
        """Return the number of outcomes."""
        return len(self.row)

    def only(self, at: _Ints | _Flags) -> "OutcomeTable":
        """Return some of the outcomes: those at, or with, ``at``."""
        return OutcomeTable(*(getattr(self, name)[at] for name in _OUTCOME))


@dataclass(frozen=True, slots=True, eq=False)
class BatchSettlement:
    """The result of settling a batch.

    Parameters
    ----------
    outcomes
        The new outcomes.
    closed
        Which of the open forecasts need no more samples, ``(forecast,)``.
    records
        The links' records after the outcomes, in the order of the batch.
    """

    outcomes: OutcomeTable
    closed: _Flags
    records: RecordTable
