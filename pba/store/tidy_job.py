"""Keeping the tables to what the retention asks for, while others write.

Every transaction is small, and there is a pause after each, so that writers have their turn: as
long as itself, and long enough for those that wait for SQLite's only lock, which look every 25 ms.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pba.store import audit_table, change_log, retention, verdict_blocks, verdict_tables
from pba.store.access_tables import refusals
from pba.store.aggregate_tables import hour_aggregates, minute_aggregates
from pba.store.database import Database
from pba.store.old_tables import old_forecasts, old_outcomes
from pba.store.pair_totals import next_hour_us
from pba.store.partition_job import PartitionJob
from pba.store.report_tables import (
    HOUR_US,
    hour_groups,
    hour_latencies,
    hour_pair_aggregates,
    minute_groups,
    minute_latencies,
    pair_aggregates,
)
from pba.store.retention import LinkRows
from pba.store.tables import events, forecasts, open_forecasts, pair_results, samples
from pba.store.verdict_tables import link_pair_sums

__all__ = ["TidyJob"]

_ROWS = 1000  # in one transaction
_SINCE_US = verdict_tables.verdict_blocks.c.since_us
_AUDIT_ROWS = 200  # each change waits for the transaction that trims
_PAUSE_S = 0.05  # at least
_LINKS = 200
_GoOn = Callable[[], bool]
_CHANGES_US = 60_000_000  # readers look every 0.1 s
_LATE_US = 3_600_000_000  # how long after a report its transaction may end, with clocks apart


class _Ended(Exception):
    """The work is left to somebody else."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long rows are kept, microseconds.

    Parameters
    ----------
    samples_us
        Samples, counted from a link's newest; and events and sums by minute, counted from now.
        Links without a report for that long are deleted.
    forecasts_us
        Forecasts, counted from a link's newest sample.
    audit_us, refusals_us
        Changes and counts of refused calls, counted from now.
    """

    samples_us: int
    forecasts_us: int
    audit_us: int
    refusals_us: int


class TidyJob:
    """Deletes what is older than the retention; on PostgreSQL creates and drops partitions.

    Parameters
    ----------
    kept
        The retention.
    pause
        Waits for a number of seconds.
    """

    def __init__(
        self,
        database: Database,
        kept: Retention,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database = database
        self._kept = kept
        self._pause = pause
        self._looked_us: dict[str, int] = {}
        self._partitions = PartitionJob(database)
        self._go_on: _GoOn = lambda: True

    def run(self, now_us: int, go_on: _GoOn = lambda: True) -> None:
        """Delete what is too old at ``now_us``; raises `StoreUnavailable`.

        Parameters
        ----------
        go_on
            Is asked after each transaction; the rest is left where it returns false.
        """
        self._go_on = go_on
        with contextlib.suppress(_Ended):
            self._tidy(now_us)

    def _tidy(self, now_us: int) -> None:
        self._delete_silent(now_us - self._kept.samples_us)
        while self._write(retention.delete_deleted, _ROWS):
            pass
        for rows, retention_us in (
            (LinkRows(samples.name, "at_us"), self._kept.samples_us),
            (LinkRows(open_forecasts.name, "after_us"), self._kept.forecasts_us),
            (LinkRows(forecasts.name, "after_us"), self._kept.forecasts_us),
            (LinkRows(old_forecasts.name, "after_us"), self._kept.forecasts_us),
            (LinkRows(old_outcomes.name, "at_us"), self._kept.forecasts_us),
        ):
            for part in self._single_rows(rows, retention_us, now_us):
                self._trim(part, retention_us, now_us)
        for table, time_us, retention_us in (
            (events, events.c.at_us, self._kept.samples_us),
            (minute_aggregates, minute_aggregates.c.minute_us, self._kept.samples_us),
            (minute_latencies, minute_latencies.c.minute_us, self._kept.samples_us),
            (minute_groups, minute_groups.c.minute_us, self._kept.samples_us),
            (hour_aggregates, hour_aggregates.c.hour_us, self._kept.samples_us + HOUR_US),
            (hour_latencies, hour_latencies.c.hour_us, self._kept.samples_us + HOUR_US),
            (hour_groups, hour_groups.c.hour_us, self._kept.samples_us + HOUR_US),
            (pair_results, pair_results.c.created_us, self._kept.forecasts_us),
            (refusals, refusals.c.minute_us, self._kept.refusals_us),
        ):
            while self._write(retention.delete_some, table, time_us, now_us - retention_us, _ROWS):
                pass
        self._tidy_pairs(now_us - self._kept.samples_us)
        self._tidy_changes(now_us - _CHANGES_US)
        while self._write(audit_table.trim, now_us - self._kept.audit_us, _AUDIT_ROWS):
            pass

    def _tidy_pairs(self, before_us: int) -> None:
        """Delete old sums over pairs, but for those that the verdict of now rests on."""
        since_us = self._database.read(verdict_blocks.changed_us)
        minute_us, hour_us = pair_aggregates.c.from_us, hour_pair_aggregates.c.hour_us
        first_hour = (minute_us >= since_us) & (minute_us < next_hour_us(since_us))
        for table, time_us, until_us, kept in (
            (pair_aggregates, minute_us, before_us, first_hour),
            # An hour goes when its last minute has gone.
            (hour_pair_aggregates, hour_us, min(before_us - HOUR_US, since_us), None),
            (verdict_tables.verdict_blocks, _SINCE_US, min(before_us, since_us), None),
            (link_pair_sums, link_pair_sums.c.since_us, since_us, None),
        ):
            while self._write(retention.delete_some, table, time_us, until_us, _ROWS, kept):
                pass

    def _tidy_changes(self, before_us: int) -> None:
        changes = change_log.link_changes
        until = self._database.read(change_log.newest_before, before_us) + 1
        while self._write(retention.delete_some, changes, changes.c.id, until, _ROWS):
            pass

    def _write(self, work: Callable[..., Any], *inputs: Any) -> Any:
        """Run ``work`` in a transaction, and leave others at least as much time as it took."""
        started_s = time.monotonic()
        result = self._database.write(work, *inputs)
        self._pause(max(_PAUSE_S, time.monotonic() - started_s))
        self._check_go_on()
        return result

    def _check_go_on(self) -> None:
        if not self._go_on():
            raise _Ended

    def _delete_silent(self, before_us: int) -> None:
        after = -1
        while keys := self._database.read(retention.silent_links, before_us, after, _LINKS):
            self._write(retention.delete_silent, keys, before_us)
            after = keys[-1]

    def _trim(self, rows: LinkRows, retention_us: int, now_us: int) -> None:
        """Delete the old rows of links that have reported since the last time."""
        since_us, after = self._looked_us.get(rows.name, 0), -1
        while keys := self._database.read(
            retention.links_with_old_rows, rows, retention_us, since_us, after, _LINKS
        ):
            while not self._write(retention.delete_old_rows, rows, retention_us, keys, _ROWS):
                pass
            after = keys[-1]
        self._looked_us[rows.name] = now_us - _LATE_US

    def _single_rows(self, rows: LinkRows, retention_us: int, now_us: int) -> Iterator[LinkRows]:
        """Create and drop partitions; yield the tables in which rows are deleted one by one."""
        parts = self._partitions.create(rows, retention_us, now_us)
        if not parts:
            yield rows
            return
        yield LinkRows(parts[0].name, rows.time_us)
        for part in parts[1:]:
            self._check_go_on()
            if not self._partitions.drop(rows, part, retention_us, now_us, _ROWS):
                yield LinkRows(part.name, rows.time_us)
