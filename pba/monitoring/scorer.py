"""Continuous scoring: forecasts of links with new samples are compared with them, in batches."""

import contextlib
import logging
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from pba.errors import RowsRefused, StoreUnavailable
from pba.monitoring.drift.link_drift import LinkDriftTable
from pba.monitoring.drift_watch import DRIFT, alarm_event
from pba.scoring.batch import BatchSettlement, DueBatch
from pba.scoring.batch_settlement import settle_batch
from pba.store import Claim, ScoredLinks, Store
from pba.telemetry.windows import GAP_INTERVALS
from pba.types import Event

__all__ = ["WAIT_S", "ScoredBatch", "Scorer"]

WAIT_S = 3600.0
"""How long a forecast waits for samples beyond its horizon, by the service's clock."""

_log = logging.getLogger(__name__)
_LINKS = 500
_CLAIM_S = 30.0


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """The result of scoring a batch of due links.

    Parameters
    ----------
    links
        How many were claimed.
    parts
        What was written. Links that could not be scored because of a defect are in none; they are
        due again when the claim has run out.
    full
        Whether more links may be due.
    waits_s
        How long each link had waited when its outcomes were written.
    """

    links: int = 0
    parts: tuple[ScoredLinks, ...] = ()
    full: bool = False
    waits_s: tuple[float, ...] = ()

    @property
    def outcomes(self) -> int:
        """The number of new outcomes."""
        return sum(len(part.outcomes) for part in self.parts)

    @property
    def events(self) -> list[Event]:
        """Alarms of links that opened, changed or ended."""
        return [event for part in self.parts for row, event in part.events if part.kept[row]]

    def unscored(self) -> dict[int, int]:
        """Return how many served forecasts closed without an actual one step ahead, by mode."""
        counts = Counter[int]()
        for part in self.parts:
            forecasts = part.batch.forecasts
            known = ~np.isnan(forecasts.actual_mbps[:, 0]) | ~np.isnan(part.actual_mbps[:, 0])
            never = part.closed & forecasts.served & ~known
            counts.update(forecasts.mode[never].tolist())
        return dict(counts)

    def sums(self) -> list[dict[str, Any]]:
        """Return what the outcomes add to the aggregates, rows as in `aggregate_deltas`."""
        return [row for part in self.parts for row in part.sums]


class Scorer:
    """Scores forecasts as their actuals arrive.

    Any number may run on one PostgreSQL database, and each may die at any moment: nothing is scored
    twice, and nothing is lost. A SQLite file has one at a time.

    Parameters
    ----------
    store
        Samples and forecasts.
    wait_s
        A forecast whose samples do not come is closed after this time by the service's clock, or
        after twice the time to its last horizon and a gap, if that is longer.
    gap_intervals
        As for `pba.scoring.settle_batch`.
    links
        How many are scored at once.
    """

    def __init__(
        self,
        store: Store,
        wait_s: float = WAIT_S,
        gap_intervals: float = GAP_INTERVALS,
        links: int = _LINKS,
    ) -> None:
        self._store = store.scoring
        self._wait_us = round(wait_s * 1e6)
        self._gap_intervals = gap_intervals
        self._links = links

    def score_due(self) -> ScoredBatch:
        """Score the links that wait longest, as many as are scored at once.

        Raises
        ------
        StoreUnavailable
            While the store is away; the links are due again.
        """
        claim = self._store.claim(self._links, _CLAIM_S)
        if not len(claim):
            return ScoredBatch()
        try:
            parts = self._score(claim)
        except StoreUnavailable:
            with contextlib.suppress(StoreUnavailable):  # it runs out
                self._store.release(claim)
            raise
        waits_s = (self._store.now_us - claim.since_us) / 1e6
        full = len(claim) == self._links
        return ScoredBatch(len(claim), tuple(parts), full, tuple(waits_s.tolist()))

    def _score(self, claim: Claim) -> list[ScoredLinks]:
        """Score the links of a claim; if that fails for one of them, all the others."""
        try:
            return [self._score_together(claim)]
        except Exception as error:
            if isinstance(error, StoreUnavailable) and not isinstance(error, RowsRefused):
                raise
            if len(claim) == 1:
                _log.exception("not_scored", extra={"link": claim.links.item()})
                self._store.postpone(claim)
                return []
        middle = len(claim) // 2
        first, second = claim.only(claim.links[:middle]), claim.only(claim.links[middle:])
        return self._score(first) + self._score(second)

    def _score_together(self, claim: Claim) -> ScoredLinks:
        batch = self._store.read(claim)
        settlement = settle_batch(batch, self._store.now_us, self._wait_us, self._gap_intervals)
        return self._store.write(claim, _watch(batch, settlement))


def _watch(batch: DueBatch, settlement: BatchSettlement) -> ScoredLinks:
    """Pass the outcomes one step ahead of served forecasts to the links' drift detection."""
    forecasts, outcomes = batch.forecasts, settlement.outcomes
    at = np.flatnonzero((outcomes.target == 0) & forecasts.served[outcomes.row])
    row = outcomes.row[at]
    link_rows = np.searchsorted(batch.links, forecasts.link[row])
    table = LinkDriftTable.from_bytes(batch.drift)
    alarms = table.advance(
        link_rows,
        outcomes.at_us[at],
        outcomes.actual_mbps[at],
        forecasts.points_mbps[row, 0],
        outcomes.hit[at],
    )
    events = [(row, alarm_event(DRIFT, batch.names[row], alarm)) for row, alarm in alarms]
    kept = np.ones(len(batch.links), dtype=bool)
    return ScoredLinks(
        batch=batch,
        settlement=settlement,
        drift=tuple(table.to_bytes()),
        alarm=table.alarm_open(),
        drift_size=table.sizes(),
        events=tuple(events),
        kept=kept,
    )
