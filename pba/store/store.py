"""The store's public interface: each call is one transaction, committed when it returns."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, select

from pba.errors import NotFound
from pba.forecasting.link_record import LinkRecord
from pba.rollout import Flags
from pba.scoring import Outcome
from pba.store import (
    arm_comparison,
    event_log,
    flag_table,
    forecast_writes,
    history_queries,
    link_queries,
    link_settlement,
    metrics_summary,
    outcome_queries,
    parquet_export,
    retention,
    sample_writes,
)
from pba.store.engine import connect, read_transaction, write_transaction
from pba.store.flag_table import FlagState
from pba.store.migrate import migrate
from pba.store.tables import links
from pba.store.timestamps import to_micros
from pba.store.values import LinkContext, LinkState, Receipt, SampleReport, StoredForecast
from pba.telemetry.windows import GAP_INTERVALS
from pba.types import Event, History, NetworkMode
from pba.types.profile import PROFILES

__all__ = ["Store", "WriteBatch", "no_such_link"]

_WINDOW = max(profile.window for profile in PROFILES.values())
_DAY_US = 86_400_000_000
_FLAGS = Flags()


@dataclass(frozen=True, slots=True)
class WriteBatch:
    """Samples and forecasts, of any number of callers, to write in one transaction."""

    reports: Sequence[SampleReport] = ()
    forecasts: Sequence[StoredForecast] = ()


class Store:
    """Stores samples, forecasts, outcomes and link records in SQLite or PostgreSQL.

    Every call raises `StoreUnavailable` while the database does not respond, and works again as
    soon as it does. Calls block. Any number of threads and processes may share one database.

    Parameters
    ----------
    url
        ``sqlite:///FILE`` or ``postgresql://USER@HOST/DATABASE``.
    clock
        Returns the current Unix time in seconds.
    retention_days
        How long samples, forecasts, outcomes and events are kept.
    gap_intervals
        As for `pba.scoring.settle`.
    default
        The flags that apply until they are changed for the first time.
    """

    def __init__(
        self,
        url: str,
        clock: Callable[[], float],
        retention_days: float = 30.0,
        gap_intervals: float = GAP_INTERVALS,
        default: Flags = _FLAGS,
    ) -> None:
        self._default = default
        self._engine = connect(url)
        self._clock = clock
        self._retention_us = int(retention_days * _DAY_US)
        self._gap_intervals = gap_intervals
        self._migrated = False
        self._migration_lock = threading.Lock()

    def ready(self) -> Self:
        """Upgrade the schema on the first call, and check that the database responds."""
        with self._migration_lock:
            if not self._migrated:
                migrate(self._engine)
                self._migrated = True
        with read_transaction(self._engine) as connection:
            connection.execute(select(links.c.id).limit(1))
        return self

    def check_writable(self) -> None:
        """Check that the database accepts writes and has free space, by a write that is undone."""
        with write_transaction(self._engine) as connection:
            event_log.check_writable(connection, to_micros(self._clock()))

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def write(self, batch: WriteBatch) -> list[Receipt]:
        """Write all of a batch or nothing; return a receipt for each report, in order."""
        with write_transaction(self._engine) as connection:
            now_us = to_micros(self._clock())
            receipts = self._add_reports(connection, batch.reports, now_us)
            forecast_writes.add_forecasts(connection, batch.forecasts)
            return receipts

    def _add_reports(
        self, connection: Connection, reports: Sequence[SampleReport], now_us: int
    ) -> list[Receipt]:
        if not reports:  # forecasts alone need no flags
            return []
        detect = flag_table.flag_state(connection, self._default).flags.enable_mode_detection
        return sample_writes.add_reports(connection, reports, now_us, self._retention_us, detect)

    def link_contexts(self, link_ids: Sequence[str]) -> dict[str, LinkContext]:
        """Return what a forecast starts from, for those of ``link_ids`` that exist."""
        with read_transaction(self._engine) as connection:
            return link_queries.link_contexts(connection, link_ids, _WINDOW)

    def link_records(self, link_ids: Sequence[str]) -> dict[str, LinkRecord]:
        """Return the records of those of ``link_ids`` that exist."""
        with read_transaction(self._engine) as connection:
            return link_queries.link_records(connection, link_ids)

    def link(self, link_id: str) -> LinkState:
        """Return a link's state; raises `NotFound` where it does not exist."""
        with read_transaction(self._engine) as connection:
            state = link_queries.link_state(connection, link_id)
        if state is None:
            raise no_such_link(link_id)
        return state

    def links(self, mode: NetworkMode | None, after: str, count: int) -> list[LinkState]:
        """Return up to ``count`` links whose names follow ``after``, in the order of names."""
        with read_transaction(self._engine) as connection:
            return link_queries.link_states(connection, mode, after, count)

    def delete(self, link_id: str) -> None:
        """Delete a link with all its rows; raises `NotFound` where it does not exist."""
        with write_transaction(self._engine) as connection:
            if not retention.delete_link(connection, link_id):
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
        with read_transaction(self._engine) as connection:
            return history_queries.link_history(connection, link_id, from_us, to_us, count)

    def events(
        self,
        kind: str | None = None,
        link_id: str | None = None,
        before: int | None = None,
        count: int = 100,
    ) -> list[Event]:
        """Return up to ``count`` events with numbers below ``before``, newest first."""
        with read_transaction(self._engine) as connection:
            return event_log.events(connection, kind, link_id, before, count)

    def add_events(self, events: Sequence[Event]) -> None:
        """Append events to the log."""
        with write_transaction(self._engine) as connection:
            event_log.add_events(connection, events)

    def newest_link_events(self, kind: str) -> list[Event]:
        """Return each link's newest event of ``kind``, in the order of the links' names."""
        with read_transaction(self._engine) as connection:
            return event_log.newest_link_events(connection, kind)

    def recent_outcomes(self, link_id: str, count: int) -> list[tuple[int, float, float, bool]]:
        """Return a link's last outcomes of served forecasts, one step ahead, oldest first.

        Each is the actual's time (microseconds), actual and forecast (Mbps), and whether it is a
        hit.
        """
        with read_transaction(self._engine) as connection:
            return outcome_queries.recent_outcomes(connection, link_id, count)

    def recent_mode_outcomes(self, mode: NetworkMode, count: int) -> list[Outcome]:
        """Return the last outcomes of a mode's v3 models, one step ahead, in the forecasts' order.

        Only the newest 100 000 forecasts of all modes are searched.
        """
        with read_transaction(self._engine) as connection:
            return outcome_queries.recent_mode_outcomes(connection, mode, count)

    def summary(self) -> dict[str, Any]:
        """Return accuracy and latency, see `pba.store.metrics_summary.summary`."""
        with read_transaction(self._engine) as connection:
            return metrics_summary.summary(connection)

    def flags(self) -> FlagState:
        """Return the current flags."""
        with read_transaction(self._engine) as connection:
            return flag_table.flag_state(connection, self._default)

    def change_flags(
        self,
        changes: Mapping[str, Any],
        version: int,
        who: str,
        details: Mapping[str, Any] | None = None,
    ) -> FlagState:
        """Change some flags and return them, see `pba.store.flag_table.change_flags`."""
        with write_transaction(self._engine) as connection:
            change = flag_table.FlagChange(changes, version, who, details or {})
            return flag_table.change_flags(connection, self._default, change, self._clock())

    def compare(self, since_s: float | None = None) -> dict[str, Any]:
        """Return how the arms compare, see `pba.store.arm_comparison.compare`.

        Parameters
        ----------
        since_s
            Unix seconds; None for the last change of the flags.
        """
        with read_transaction(self._engine) as connection:
            if since_s is None:
                since_s = flag_table.flag_state(connection, self._default).changed_s or 0.0
            return arm_comparison.compare(connection, since_s)

    def open_links(self) -> list[str]:
        """Return the links that may have forecasts to score."""
        with read_transaction(self._engine) as connection:
            return outcome_queries.open_links(connection)

    def settle(self, link_ids: Iterable[str]) -> dict[str, tuple[Outcome, ...]]:
        """Score the links' open forecasts; return the new outcomes of each link."""
        with write_transaction(self._engine) as connection:
            return {
                link_id: link_settlement.settle_link(connection, link_id, self._gap_intervals)
                for link_id in sorted(set(link_ids))
            }

    def export(self, folder: Path, on_rows: Callable[[int], None] = lambda count: None) -> int:
        """Write all samples as Parquet, see `pba.store.parquet_export.export`."""
        with read_transaction(self._engine) as connection:
            return parquet_export.export(connection, folder, on_rows)

    def tidy(self) -> None:
        """Delete what is older than the retention, in small transactions."""
        after: str | None = ""
        while after is not None:
            with write_transaction(self._engine) as connection:
                now_us = to_micros(self._clock())
                after = retention.trim_links(connection, self._retention_us, now_us, after)
        with write_transaction(self._engine) as connection:
            retention.trim_events(connection, to_micros(self._clock()) - self._retention_us)


def no_such_link(link_id: str) -> NotFound:
    """Return the error for a link that does not exist."""
    return NotFound(
        f"no link is called {link_id!r}. Links come to be with their first samples: POST "
        f"/v1/links/{link_id}/samples.",
        "link_id",
    )
