"""What scoring due links gives the store to write, all of it or that of some of the links."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pba.scoring.batch import BatchSettlement, DueBatch, OutcomeTable
from pba.scoring.codes import TARGET_STEPS
from pba.scoring.outcome_sums import outcome_sums
from pba.types import Event, Floats

__all__ = ["ScoredLinks"]

_Ints = NDArray[np.int64]
_Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ScoredLinks:
    """Due links after scoring.

    Parameters
    ----------
    batch
        As it was read.
    settlement
        Its outcomes, closed forecasts and records.
    drift
        The state of each link's drift detection afterwards, ``(link,)``.
    alarm
        Whether an alarm of the link is open, ``(link,)``.
    drift_size
        The size of that alarm, ``(link,)``.
    events
        Row of a link and event: alarms that opened, changed or ended.
    kept
        The links that count, ``(link,)``: another Monitor was faster with the others.
    """

    batch: DueBatch
    settlement: BatchSettlement
    drift: tuple[bytes | None, ...]
    alarm: _Flags
    drift_size: Floats
    events: tuple[tuple[int, Event], ...]
    kept: _Flags

    def without(self, links: _Ints) -> "ScoredLinks":
        """Return what is left without ``links``, by their keys."""
        return replace(self, kept=self.kept & ~np.isin(self.batch.links, links))

    @cached_property
    def link_rows(self) -> _Ints:
        """The row of each forecast's link, ``(forecast,)``."""
        return np.searchsorted(self.batch.links, self.batch.forecasts.link)

    @cached_property
    def outcomes(self) -> OutcomeTable:
        """The new outcomes of the links that count."""
        table = self.settlement.outcomes
        if self.kept.all():
            return table
        return table.only(self.kept[self.link_rows[table.row]])

    @cached_property
    def sums(self) -> list[dict[str, Any]]:
        """What the outcomes add to the aggregates, rows as in `aggregate_deltas`."""
        return outcome_sums(self.batch.forecasts, self.outcomes)

    @cached_property
    def closed(self) -> _Flags:
        """The forecasts of the links that count that need no more samples, ``(forecast,)``."""
        return self.settlement.closed & self.kept[self.link_rows]

    @cached_property
    def actual_mbps(self) -> Floats:
        """The new actuals, NaN where there is none, ``(forecast, target)``."""
        actual_mbps = np.full((len(self.closed), len(TARGET_STEPS)), np.nan)
        actual_mbps[self.outcomes.row, self.outcomes.target] = self.outcomes.actual_mbps
        return actual_mbps

    @cached_property
    def changed_forecasts(self) -> _Ints:
        """The rows of the forecasts with new actuals, or closed."""
        return np.flatnonzero(self.closed | ~np.isnan(self.actual_mbps).all(axis=1))

    @cached_property
    def changed_links(self) -> _Ints:
        """The rows of the links of these forecasts, increasing."""
        return np.unique(self.link_rows[self.changed_forecasts])

    def finished(self, most_forecasts: int, most_samples: int) -> _Flags:
        """Return which links need not be looked at again before their next sample, ``(link,)``.

        Those of which no more than a part was read, which changed, have their turn again.
        """
        count = len(self.batch.links)
        samples = np.searchsorted(self.batch.links, self.batch.samples.link)
        parts = np.bincount(self.link_rows, minlength=count) >= most_forecasts
        parts |= np.bincount(samples, minlength=count) >= most_samples
        changed = np.zeros(count, dtype=bool)
        changed[self.changed_links] = True
        return ~(parts & changed)
