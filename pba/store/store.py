"""The store's public interface: each call is one transaction, committed when it returns."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pba.errors import NotFound, cut, quoted
from pba.rollout import Flags
from pba.security import EVERYTHING, LOCAL, Author, Scope
from pba.security.audit_chain import AuditEntry
from pba.store import (
    arm_comparison,
    audited_changes,
    batch_writes,
    event_log,
    flag_table,
    forecast_export,
    history_queries,
    link_queries,
    link_reading,
    metrics_summary,
    parquet_export,
)
from pba.store.audit_table import AuditTable
from pba.store.change_log import ChangeLog
from pba.store.copy_old import OldRows
from pba.store.database import Database
from pba.store.flag_table import FlagState
from pba.store.job_store import JobStore
from pba.store.key_table import KeyTable
from pba.store.metric_series import MetricSeries
from pba.store.recent_samples import SampleCache
from pba.store.refusal_table import RefusalTable
from pba.store.router_table import RouterTable
from pba.store.schema_check import SchemaCheck
from pba.store.scoring_store import ScoringStore
from pba.store.statements import to_micros
from pba.store.tidy_job import Retention, TidyJob
from pba.store.values import LinkContext, LinkState, Receipt, WriteBatch
from pba.types import Event, History, NetworkMode

__all__ = ["Store", "no_such_link"]

_DAY_US = 86_400_000_000
_FLAGS = Flags()


class Store:
    """Stores samples, forecasts, outcomes and link records in SQLite or PostgreSQL.

    Every call raises `StoreUnavailable` while the database does not respond, refuses, or has
    another schema, and works again once the cause is gone. The first call upgrades the schema.
    Calls block. Any number of threads and processes may share one database.

    Parameters
    ----------
    url
        ``sqlite:///FILE`` or ``postgresql://USER@HOST/DATABASE``, see `pba.store.url.parse_url`.
        With one that can never work, every call raises `StoreUnavailable`.
    clock
        Returns the current Unix time in seconds.
    retention_days
        How long samples, events and sums by minute are kept.
    default
        The flags that apply until they are changed for the first time.
    forecast_retention_days
        How long forecasts and their outcomes are kept, at most as long as samples.
    audit_retention_days, refusal_retention_days
        How long changes and counts of refused calls are kept.
    verdict_block_s
        The length of the blocks of the rollout's test, from the next change of the flags on.
    schema
        That of another store of the same database, with connections of its own: what one notices
        of the schema both know.
    cache
        That of another store of the same database: what one has read or written the other need not
        read.

    Attributes
    ----------
    cache
        The last samples of links, as they were read or written lately.
    keys
        The keys of callers.
    audit
        What was changed by whom.
    refusals
        How many calls were refused.
    routers
        The routers that run.
    changes
        Which links have new samples.
    series
        Accuracy and latency over time.
    jobs
        What only Monitors do, in the same database.
    scoring
        The links that are due, for Monitors too.
    old_rows
        What the release before has stored, for a Monitor to move.
    """

    def __init__(
        self,
        url: str,
        clock: Callable[[], float],
        retention_days: float = 30.0,
        default: Flags = _FLAGS,
        forecast_retention_days: float = 7.0,
        schema: SchemaCheck | None = None,
        cache: SampleCache | None = None,
        audit_retention_days: float = 400.0,
        refusal_retention_days: float = 30.0,
        verdict_block_s: float = 1800.0,
    ) -> None:
        self.cache = cache or SampleCache()
        self._default = default
        self._database, self._clock = Database(url, schema), clock
        self._retention_us = int(retention_days * _DAY_US)
        forecast_days = min(forecast_retention_days, retention_days)
        others = (forecast_days, audit_retention_days, refusal_retention_days)
        retention_us = Retention(self._retention_us, *(int(days * _DAY_US) for days in others))
        self._tidy_job = TidyJob(self._database, retention_us)
        self.keys = KeyTable(self._database, clock)
        self.audit = AuditTable(self._database)
        self.refusals = RefusalTable(self._database)
        self.routers = RouterTable(self._database, clock)
        self.changes = ChangeLog(self._database)
        self.series = MetricSeries(self._database, clock)
        self._block_us = to_micros(verdict_block_s)
        self.jobs = JobStore(self._database, clock, self._block_us)
        self.scoring = ScoringStore(self._database, clock, default)
        self.old_rows = OldRows(self._database, clock)

    @property
    def schema(self) -> SchemaCheck:
        """Whether the database has the current schema."""
        return self._database.schema

    def ready(self) -> Self:
        """Check that the database responds with the current schema."""
        self._database.read(link_queries.any_link)
        return self

    def check_writable(self) -> None:
        """Check that the database accepts writes and has free space, by a write that is undone."""
        self._database.write(event_log.check_writable, self._now_us())

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    def write(self, batch: WriteBatch) -> list[Receipt]:
        """Write all of a batch or nothing; return a receipt for each report, in order."""
        now_us = self._now_us()
        receipts, samples = self._database.write_sets(
            batch_writes.write_batch, batch, now_us, self._retention_us, self._default, self.cache
        )
        self.cache.keep(samples, now_us, self._retention_us)
        return receipts

    def link_contexts(self, link_ids: Sequence[str]) -> dict[str, LinkContext]:
        """Return what a forecast starts from, for those of ``link_ids`` that exist."""
        return self._database.read_sets(
            link_reading.link_contexts, link_ids, self.cache, self._now_us(), self._retention_us
        )

    def link(self, link_id: str) -> LinkState:
        """Return a link's state; raises `NotFound` where it does not exist."""
        state = self._database.read(link_queries.link_state, link_id)
        if state is None:
            raise no_such_link(link_id)
        return state

    def links(
        self, mode: NetworkMode | None, after: str, count: int, *filters: Any
    ) -> list[LinkState]:
        """Return up to ``count`` links, see `pba.store.link_queries.link_states`."""
        return self._database.read(link_queries.link_states, mode, after, count, *filters)

    def existing_links(self, link_ids: Sequence[str]) -> set[str]:
        """Return those of ``link_ids`` that are links."""
        return self._database.read(link_queries.existing_links, link_ids)

    def count_links(self, scope: Scope, most: int) -> int:
        """Return how many links ``scope`` has, counting no further than ``most``."""
        return self._database.read(link_queries.count_links, scope, most)

    def delete(self, link_id: str, author: Author = LOCAL) -> None:
        """Delete a link with all its rows; raises `NotFound` where it does not exist."""
        entry = AuditEntry(author, "link_deleted", link_id)
        if not self._database.write(audited_changes.delete_link, entry, self._now_us()):
            raise no_such_link(link_id)

    def history(
        self, link_id: str, from_s: float, to_s: float, count: int
    ) -> tuple[History, list[dict[str, Any]]]:
        """Return samples and forecasts of a link between two times, the newest ``count`` of each.

        Raises
        ------
        NotFound
            Where the link does not exist.
        """
        self.link(link_id)
        from_us, to_us = to_micros(from_s), to_micros(to_s)
        return self._database.read(history_queries.link_history, link_id, from_us, to_us, count)

    def events(
        self,
        kind: str | None = None,
        link_id: str | None = None,
        before: int | None = None,
        count: int = 100,
        scope: Scope = EVERYTHING,
    ) -> list[Event]:
        """Return up to ``count`` events with numbers below ``before``, newest first.

        Of a ``scope`` that is not everything only events of its links.
        """
        return self._database.read(event_log.events, kind, link_id, before, count, scope)

    def events_after(self, number: int, count: int = 1000) -> list[Event]:
        """Return up to ``count`` events with numbers above ``number``, in their order."""
        return self._database.read(event_log.events_after, number, count)

    def newest_event(self) -> int:
        """Return the number of the newest event, 0 if there is none."""
        return self._database.read(event_log.newest_event)

    def add_events(self, events: Sequence[Event], entries: Sequence[AuditEntry] = ()) -> None:
        """Append events to the log, and the changes that they report to the audit."""
        self._database.write(audited_changes.add_events, events, entries, self._now_us())

    def newest_link_events(self, kind: str, count: int = 1000) -> list[Event]:
        """Return the newest event of each link among the newest ``count`` of ``kind``, by names."""
        return self._database.read(event_log.newest_link_events, kind, count)

    def open_link_alarms(self, kind: str, count: int = 10_000) -> list[Event]:
        """Return the newest event of ``kind`` of links with an open alarm, by names."""
        return self._database.read(event_log.open_link_alarms, kind, count)

    def summary(self) -> dict[str, Any]:
        """Return accuracy and latency, see `pba.store.metrics_summary.summary`."""
        return self._database.read(metrics_summary.summary, self._now_us())

    def flags(self) -> FlagState:
        """Return the current flags."""
        return self._database.read(flag_table.flag_state, self._default)

    def change_flags(
        self,
        changes: Mapping[str, Any],
        version: int,
        author: Author,
        details: Mapping[str, Any] | None = None,
    ) -> FlagState:
        """Change some flags and return them, see `pba.store.flag_table.change_flags`."""
        change = flag_table.FlagChange(changes, version, author, details or {})
        return self._database.write(
            flag_table.change_flags, self._default, change, self._clock(), self._block_us
        )

    def compare(self, since_s: float | None = None) -> dict[str, Any]:
        """Return how the arms compare, see `pba.store.arm_comparison.compare`.

        Parameters
        ----------
        since_s
            Unix seconds; None for the last change of the flags.
        """
        if since_s is None:
            since_s = self.flags().changed_s or 0.0
        return self._database.read(arm_comparison.compare, since_s)

    def export(self, folder: Path, on_rows: Callable[[int], None] = lambda count: None) -> int:
        """Write all samples as Parquet, see `pba.store.parquet_export.export`."""
        return self._database.read(parquet_export.export, folder, on_rows)

    def export_forecasts(
        self, folder: Path, on_rows: Callable[[int], None] = lambda count: None
    ) -> int:
        """Write all forecasts as Parquet, see `pba.store.forecast_export.export_forecasts`."""
        return self._database.read(forecast_export.export_forecasts, folder, on_rows)

    def tidy(self, go_on: Callable[[], bool] = lambda: True) -> None:
        """Delete what is older than the retention, in small transactions, while ``go_on()``."""
        self._tidy_job.run(self._now_us(), go_on)

    def _now_us(self) -> int:
        return round(self._clock() * 1e6)


def no_such_link(link_id: str) -> NotFound:
    """Return the error for a link that does not exist."""
    return NotFound(
        f"no link is called {quoted(link_id)}. Links come to be with their first samples: POST "
        f"/v1/links/{cut(link_id)}/samples.",
        "link_id",
    )
