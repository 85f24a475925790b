"""Creating partitions ahead of time on PostgreSQL, and dropping those that nobody keeps."""

import logging
from collections.abc import Callable
from typing import Any

from pba.errors import RowsRefused, StoreUnavailable
from pba.store import partitions
from pba.store.database import Database
from pba.store.failures import sqlstate
from pba.store.partitions import Partition
from pba.store.retention import LinkRows
from pba.store.tables import forecasts, samples

__all__ = ["PartitionJob"]

_log = logging.getLogger(__name__)

_PARTITIONS = 10  # for one retention: statements without bounds of the time look at each
_SHORTEST_US = 60_000_000
_LARGE_BYTES = 16 * 2**20  # of a default partition: less is looked through in some 10 ms
_ATTEMPTS = 5
_LOCKED, _VIOLATED = "55P03", "23514"  # PostgreSQL: lock_not_available, check_violation


class PartitionJob:
    """Changes the partitions of a database; does nothing on SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._explained = False
        self._occupied_until_us: dict[str, int] = {}

    def create(self, rows: LinkRows, retention_us: int, now_us: int) -> list[Partition]:
        """Create partitions for now and the time after; return all, the default one first.

        Returns
        -------
        list of Partition
            Empty where there are none that this user could change.
        """
        parts = self._list(rows)
        if not parts:
            return []
        if self._database.read(partitions.is_range_closed, parts[0].name):  # its process has died
            self._attempt(partitions.open_range, parts[0].name)
        length_us = _length_us(retention_us)
        starts_us = self._missing(rows, parts, now_us, length_us)
        if starts_us and parts[0].size_bytes < _LARGE_BYTES:
            for start_us in starts_us:
                self._create_beside_few(rows, parts[0], start_us, length_us)
        elif starts_us:
            self._create_beside_many(rows, parts[0], starts_us[-1], length_us)
        return self._list(rows)

    def drop(
        self, rows: LinkRows, part: Partition, retention_us: int, now_us: int, count: int
    ) -> bool:
        """Drop a partition if no retention of a link that reports reaches into it.

        Up to ``count`` rows that silent links still keep are moved. Returns whether nothing is to
        be deleted from the partition one by one.
        """
        assert part.to_us is not None
        if part.to_us + retention_us + _length_us(retention_us) // 10 > now_us:
            return True
        inputs = (rows.time_us, part, retention_us, count)
        if self._database.read(partitions.kept_rows, *inputs) >= count:
            return False
        self._attempt(partitions.drop_partition, rows.name, *inputs[:-1])
        return True

    def _list(self, rows: LinkRows) -> list[Partition]:
        parts = self._database.read(partitions.list_partitions, rows.name)
        postgresql = self._database.engine.dialect.name == "postgresql"
        partitioned = rows.name in (samples.name, forecasts.name)
        if not parts and postgresql and partitioned and not self._explained:
            self._explained = True
            _log.warning(
                "no_partitions",
                extra={
                    "why": "the user of PBA_STORE_URL does not own the tables, or may not create"
                    " tables in their schema. Old rows are deleted one by one instead."
                },
            )
        return parts

    def _missing(
        self, rows: LinkRows, parts: list[Partition], now_us: int, length_us: int
    ) -> list[int]:
        """Return where the partitions start that are missing for now and the time after."""
        ends_us = [part.to_us for part in parts if part.to_us is not None]
        ends_us.append(self._occupied_until_us.get(rows.name, 0))
        start_us = max(now_us // length_us * length_us, *ends_us)
        return list(range(start_us, now_us + length_us + 1, length_us))

    def _create_beside_few(
        self, rows: LinkRows, default: Partition, start_us: int, length_us: int
    ) -> None:
        """Create a partition, unless the default one has rows of its time already."""
        inputs = (default.name, rows.time_us, start_us, start_us + length_us)
        if self._database.read(partitions.is_free, *inputs):
            self._attempt(partitions.attach_partitions, rows.name, [start_us], length_us)

    def _create_beside_many(
        self, rows: LinkRows, default: Partition, start_us: int, length_us: int
    ) -> None:
        """Create partitions for a whole retention, so that many rows are looked through once.

        That takes no lock that others wait for. Meanwhile rows of these times, which are ahead of
        now, are refused: reporters whose clock is that far ahead have to try again.
        """
        starts_us = [start_us + index * length_us for index in range(_PARTITIONS)]
        end_us = starts_us[-1] + length_us
        self._attempt(partitions.open_range, default.name)
        if not self._attempt(partitions.close_range, default.name, rows.time_us, start_us, end_us):
            return
        try:
            if self._attempt(partitions.validate_range, default.name):
                self._attempt(partitions.attach_partitions, rows.name, starts_us, length_us)
            else:
                self._occupied_until_us[rows.name] = end_us
        finally:
            self._attempt(partitions.open_range, default.name)

    def _attempt(self, work: Callable[..., Any], *inputs: Any) -> bool:
        """Run ``work`` in a transaction until it gets its locks; return whether it is done.

        It is not where the default partition has rows of the times that `work` is about.
        """
        state = None
        for _ in range(_ATTEMPTS):
            try:
                self._database.write(work, *inputs)
            except (RowsRefused, StoreUnavailable) as error:
                state = sqlstate(error.__cause__)
                if state == _VIOLATED:
                    break
                if state != _LOCKED:
                    raise
            else:
                return True
        why = "rows of its time are in the default one" if state == _VIOLATED else "tables in use"
        _log.warning("partition_unchanged", extra={"why": why, "inputs": str(inputs)})
        return False


def _length_us(retention_us: int) -> int:
    return max(retention_us // _PARTITIONS, _SHORTEST_US)
