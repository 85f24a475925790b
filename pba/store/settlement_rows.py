"""The rows of scored links, ready before the transaction that writes them starts."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sqlalchemy import Table

from pba.scoring.arm_pairs import pair_results
from pba.scoring.group_sums import group_sums
from pba.scoring.latency_sums import latency_sums
from pba.scoring.mode_outcomes import mode_outcomes
from pba.scoring.pair_sums import link_sums, pair_sums
from pba.store import aggregate_tables, report_tables, tables
from pba.store.due_batch import MAX_FORECASTS, MAX_SAMPLES
from pba.store.due_links import Claim
from pba.store.event_log import event_rows
from pba.store.scored_links import ScoredLinks
from pba.store.tables import ACTUALS

__all__ = ["Columns", "SettlementRows"]

Columns = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class SettlementRows:
    """The rows of scored links, in the order in which they are written.

    Parameters
    ----------
    records
        New content of `link_records`, with the ``generation`` that was read.
    forecasts
        Keys in `open_forecasts` of those that stay there, and new actuals.
    closed
        The same of those that go to `forecast_log`.
    inserts
        Rows to append, by table.
    link_sums
        What to add to `link_pair_sums`.
    due
        What was claimed of `due_links`, and whether it is ``finished``.
    until_us
        When the claim runs out.
    """

    records: Columns
    forecasts: Columns
    closed: Columns
    inserts: tuple[tuple[Table, list[dict[str, Any]]], ...]
    link_sums: Columns
    due: Columns
    until_us: int

    @classmethod
    def of(
        cls,
        claim: Claim,
        scored: ScoredLinks,
        flags_changed_us: int,
        groups: Collection[str] = (),
    ) -> Self:
        """Return the rows of those links of ``scored`` that count.

        ``groups`` are those of links that have sums of their own.
        """
        return cls(
            records=_records(scored),
            forecasts=_forecasts(scored, closed=False),
            closed=_forecasts(scored, closed=True),
            inserts=_inserts(scored, flags_changed_us, groups),
            link_sums=link_sums(scored.batch.forecasts, scored.outcomes, flags_changed_us),
            due=_due(claim, scored),
            until_us=claim.until_us,
        )


def _records(scored: ScoredLinks) -> Columns:
    at = scored.changed_links
    records = scored.settlement.records
    bodies = records.to_bytes()
    return {
        "link": scored.batch.links[at].tolist(),
        "generation": scored.batch.generation[at].tolist(),
        "body": [bodies[row] for row in at.tolist()],
        "drift": [scored.drift[row] for row in at.tolist()],
        "alarm": scored.alarm[at].tolist(),
        "accuracy_permille": records.accuracy_permille()[at].tolist(),
        "drift_size": scored.drift_size[at].tolist(),
    }


def _forecasts(scored: ScoredLinks, closed: bool) -> Columns:
    at, forecasts = scored.changed_forecasts, scored.batch.forecasts
    at = at[scored.closed[at] == closed]
    keys = {name: getattr(forecasts, name)[at].tolist() for name in _FORECAST_KEY}
    actuals = scored.actual_mbps[at].astype(object)
    actuals[np.isnan(scored.actual_mbps[at])] = None
    return keys | {name: actuals[:, column].tolist() for column, name in enumerate(ACTUALS)}


_FORECAST_KEY = ("link", "after_us", "arm", "version")


def _inserts(
    scored: ScoredLinks, flags_changed_us: int, groups: Collection[str]
) -> tuple[tuple[Table, list[dict[str, Any]]], ...]:
    forecasts, outcomes = scored.batch.forecasts, scored.outcomes
    by_mode = mode_outcomes(forecasts, outcomes)
    events = [event for row, event in scored.events if scored.kept[row]]
    return (
        (aggregate_tables.aggregate_deltas, scored.sums),
        (
            tables.mode_outcomes,
            [{"mode": mode, "body": new.to_bytes()} for mode, new in sorted(by_mode.items())],
        ),
        (tables.pair_results, pair_results(forecasts, outcomes)),
        (report_tables.pair_deltas, pair_sums(forecasts, outcomes, flags_changed_us)),
        (report_tables.latency_deltas, latency_sums(forecasts, outcomes)),
        (report_tables.group_deltas, group_sums(scored.batch, outcomes, groups)),
        (tables.events, event_rows(events)),
    )


def _due(claim: Claim, scored: ScoredLinks) -> Columns:
    """Return the claimed rows of the links that count, and of those that are gone."""
    kept = np.isin(claim.links, scored.batch.links[scored.kept])
    gone = ~np.isin(claim.links, scored.batch.links)
    finished = gone.copy()
    rows = np.searchsorted(claim.links, scored.batch.links)
    finished[rows] = scored.finished(MAX_FORECASTS, MAX_SAMPLES)
    at = kept | gone
    return {
        "link": claim.links[at].tolist(),
        "since_us": claim.since_us[at].tolist(),
        "generation": claim.reports[at].tolist(),
        "finished": finished[at].tolist(),
    }
