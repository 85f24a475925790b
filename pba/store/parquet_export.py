"""Samples as Parquet files, one folder a day, in the form that `pba.telemetry.traces` reads."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, select

from pba.store.tables import links, samples
from pba.types import COLUMNS

__all__ = ["export"]

_ROWS = 20_000
_DAY_US = 86_400_000_000
_SCHEMA = pa.schema(
    [("trace_id", pa.string()), ("timestamp_s", pa.float64())]
    + [(name, pa.float64()) for name in COLUMNS]
    + [("mode", pa.string())]
)


class _Days:
    """One open file a day; rows are written in groups, so that memory does not grow with time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[int, pq.ParquetWriter] = {}

    def add(self, day: int, table: pa.Table) -> None:
        if day not in self._files:
            name = datetime.fromtimestamp(day * _DAY_US / 1e6, UTC).date().isoformat()
            place = self._folder / f"day={name}"
            place.mkdir(parents=True, exist_ok=True)
            self._files[day] = pq.ParquetWriter(place / "samples.parquet", _SCHEMA)
        self._files[day].write_table(table)

    def close(self) -> int:
        for file in self._files.values():
            file.close()
        return len(self._files)


def export(
    connection: Connection, folder: Path, on_rows: Callable[[int], None] = lambda count: None
) -> int:
    """Write all samples below ``folder``; return how many days there are.

    ``folder/day=2026-03-01/samples.parquet`` has the columns ``trace_id`` (the link),
    ``timestamp_s``, those of `pba.types.COLUMNS`, and the ``mode`` that the link is in now; each
    link's rows are in the order of time.

    Parameters
    ----------
    on_rows
        Told of how many rows are written, part by part.
    """
    days = _Days(folder)
    try:
        for table, at_us in _tables(connection):
            of_row = at_us // _DAY_US
            for day in np.unique(of_row):
                days.add(int(day), table.filter(pa.array(of_row == day)))
            on_rows(len(at_us))
    finally:
        count = days.close()
    return count


def _tables(connection: Connection) -> Iterator[tuple[pa.Table, np.ndarray]]:
    """Yield the samples of all links, links in the order of their keys, as tables."""
    query = (
        select(
            links.c.link_id, links.c.mode, samples.c.at_us, *(samples.c[name] for name in COLUMNS)
        )
        .select_from(samples.join(links, links.c.id == samples.c.link))
        .order_by(samples.c.link, samples.c.at_us)
    )
    streamed = connection.execution_options(yield_per=_ROWS).execute(query)
    for rows in streamed.partitions():
        names, modes, at_us, *values = zip(*map(tuple, rows), strict=True)
        moments = np.array(at_us, dtype=np.int64)
        columns = [pa.array(names), pa.array(moments / 1e6)]
        columns += [pa.array(column, pa.float64()) for column in values]
        columns.append(pa.array(modes, pa.string()))
        yield pa.Table.from_arrays(columns, schema=_SCHEMA), moments
