"""The store as its users see it: each call is one transaction, done when it returns."""

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
    flag_table as switches,
    metrics_summary,
    outcome_writes,
    parquet_export,
    queries,
    retention,
    sample_writes,
)
from pba.store.engine import connect, reading, writing
from pba.store.migrate import migrate
from pba.store.rows import LinkContext, LinkState, Receipt, SampleReport, StoredForecast, micros
from pba.store.tables import links
from pba.telemetry.windows import GAP_INTERVALS
from pba.types import Event, History, NetworkMode
from pba.types.profile import PROFILES

__all__ = ["WriteBatch", "Store"]

_WINDOW = max(profile.window for profile in PROFILES.values())
_DAY_US = 86_400_000_000
_FLAGS = Flags()


@dataclass(frozen=True, slots=True)
class WriteBatch:
    """What is written in one transaction: many callers' samples and forecasts."""

    reports: Sequence[SampleReport] = ()
    said: Sequence[StoredForecast] = ()


class Store:
    """Keeps samples, forecasts, outcomes and records, in SQLite or PostgreSQL.

    Every call raises `StoreUnavailable` where the database does not answer, and works again as soon
    as it does. Calls block; several threads and processes may share one database.

    Parameters
    ----------
    url
        ``sqlite:///FILE`` or ``postgresql://USER@HOST/DATABASE``.
    clock
        Unix seconds now.
    retention_days
        How long samples, forecasts, outcomes and events are kept.
    gap_intervals
        As for `pba.scoring.settle`.
    default
        The flags that hold until somebody changes them.
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
        self._migrating = threading.Lock()

    def ready(self) -> Self:
        """Bring the tables up to date, once, and see that the database answers."""
        with self._migrating:
            if not self._migrated:
                migrate(self._engine)
                self._migrated = True
        with reading(self._engine) as connection:
            connection.execute(select(links.c.id).limit(1))
        return self

    def try_to_write(self) -> None:
        """See that the database takes a write and has room for it; nothing stays of it."""
        with writing(self._engine) as connection:
            sample_writes.try_room(connection, micros(self._clock()))

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def write(self, batch: WriteBatch) -> list[Receipt]:
        """Store a batch whole or not at all; return a receipt for each report, in order."""
        with writing(self._engine) as connection:
            now_us = micros(self._clock())
            receipts = self._add_reports(connection, batch.reports, now_us)
            sample_writes.add_said(connection, batch.said)
            return receipts

    def _add_reports(
        self, connection: Connection, reports: Sequence[SampleReport], now_us: int
    ) -> list[Receipt]:
        if not reports:  # forecasts alone, which ask for no mode
            return []
        detect = switches.read(connection, self._default).flags.enable_mode_detection
        return sample_writes.add_reports(connection, reports, now_us, self._retention_us, detect)

    def known(self, link_ids: Sequence[str]) -> dict[str, LinkContext]:
        """Return what a forecast needs to know of those of ``link_ids`` that exist."""
        with reading(self._engine) as connection:
            return queries.known(connection, link_ids, _WINDOW)

    def learnt(self, link_ids: Sequence[str]) -> dict[str, LinkRecord]:
        """Return the records of those of ``link_ids`` that exist."""
        with reading(self._engine) as connection:
            return queries.learnt(connection, link_ids)

    def link(self, link_id: str) -> LinkState:
        """Return what is known of a link; raises `NotFound` where there is none."""
        with reading(self._engine) as connection:
            found = queries.state(connection, link_id)
        if found is None:
            raise no_such_link(link_id)
        return found

    def links(self, mode: NetworkMode | None, after: str, count: int) -> list[LinkState]:
        """Return up to ``count`` links in the order of their names, those after ``after``."""
        with reading(self._engine) as connection:
            return queries.states(connection, mode, after, count)

    def delete(self, link_id: str) -> None:
        """Forget a link and all that is known of it; raises `NotFound` where there is none."""
        with writing(self._engine) as connection:
            if not retention.delete_link(connection, link_id):
                raise no_such_link(link_id)

    def history(
        self, link_id: str, from_s: float, to_s: float, count: int
    ) -> tuple[History, list[dict[str, Any]]]:
        """Return samples and forecasts of a link between two times, the newest ``count`` of each.

        Raises
        ------
        NotFound
            Where there is no such link.
        """
        self.link(link_id)
        with reading(self._engine) as connection:
            return queries.stretch(connection, link_id, micros(from_s), micros(to_s), count)

    def events(
        self,
        kind: str | None = None,
        link_id: str | None = None,
        before: int | None = None,
        count: int = 100,
    ) -> list[Event]:
        """Return what happened, the newest first, of numbers below ``before``."""
        with reading(self._engine) as connection:
            return queries.find_events(connection, kind, link_id, before, count)

    def add_events(self, happened: Sequence[Event]) -> None:
        """Add to the log of events."""
        with writing(self._engine) as connection:
            sample_writes.add_events(connection, happened)

    def alarms(self, kind: str) -> list[Event]:
        """Return the newest event of ``kind`` of each link, in the order of their names."""
        with reading(self._engine) as connection:
            return queries.newest_events(connection, kind)

    def recent_outcomes(self, link_id: str, count: int) -> list[tuple[int, float, float, bool]]:
        """Return a link's last ``count`` outcomes one step ahead, oldest first.

        Each is when it was (microseconds), the actual and the forecast (Mbps), and the hit.
        """
        with reading(self._engine) as connection:
            return outcome_writes.recent_outcomes(connection, link_id, count)

    def recent_of_mode(self, mode: NetworkMode, count: int) -> list[Outcome]:
        """Return a mode's last ``count`` outcomes of models, one step ahead, as they were asked.

        Of the newest 100 000 forecasts of all modes.
        """
        with reading(self._engine) as connection:
            return outcome_writes.recent_of_mode(connection, mode, count)

    def summary(self) -> dict[str, Any]:
        """Return the sums over all outcomes."""
        with reading(self._engine) as connection:
            return metrics_summary.summary(connection)

    def flags(self) -> switches.FlagState:
        """Return the flags as they stand."""
        with reading(self._engine) as connection:
            return switches.read(connection, self._default)

    def change_flags(
        self,
        changes: Mapping[str, Any],
        version: int,
        who: str,
        told: Mapping[str, Any] | None = None,
    ) -> switches.FlagState:
        """Change some flags, see `pba.store.flag_table.change`; return what holds then."""
        with writing(self._engine) as connection:
            now_s = self._clock()
            return switches.change(
                connection, self._default, changes, version, who, now_s, told or {}
            )

    def compare(self, since_s: float | None = None) -> dict[str, Any]:
        """Return how the arms compare, see `pba.store.arm_comparison`; since the flags' last change."""
        with reading(self._engine) as connection:
            if since_s is None:
                since_s = switches.read(connection, self._default).changed_s or 0.0
            return arm_comparison.compare(connection, since_s)

    def open_links(self) -> list[str]:
        """Return the links that may have something to score."""
        with reading(self._engine) as connection:
            return outcome_writes.open_links(connection)

    def settle(self, link_ids: Iterable[str]) -> dict[str, tuple[Outcome, ...]]:
        """Score what can be scored of ``link_ids``; return what is new of each."""
        with writing(self._engine) as connection:
            return {
                link_id: outcome_writes.settle_link(connection, link_id, self._gap_intervals)
                for link_id in sorted(set(link_ids))
            }

    def export(self, folder: Path, on_rows: Callable[[int], None] = lambda count: None) -> int:
        """Write all samples as Parquet, see `pba.store.parquet_export`; return how many days there are."""
        with reading(self._engine) as connection:
            return parquet_export.export(connection, folder, on_rows)

    def tidy(self) -> None:
        """Delete what is older than the retention, in small transactions."""
        after: str | None = ""
        while after is not None:
            with writing(self._engine) as connection:
                now_us = micros(self._clock())
                after = retention.trim_links(connection, self._retention_us, now_us, after)
        with writing(self._engine) as connection:
            retention.trim_events(connection, micros(self._clock()) - self._retention_us)


def no_such_link(link_id: str) -> NotFound:
    """Return the error of a link that nothing is known of."""
    return NotFound(
        f"no link is called {link_id!r}. Links come to be with their first samples: POST "
        f"/v1/links/{link_id}/samples.",
        "link_id",
    )
