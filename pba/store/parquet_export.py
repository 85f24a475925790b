"""Export of samples to Parquet, one folder per day, as `pba.telemetry.traces` reads it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, select

from pba.store.day_files import DayFiles
from pba.store.tables import links, samples
from pba.types import COLUMNS

__all__ = ["export"]

_ROWS = 20_000
_SCHEMA = pa.schema(
    [("trace_id", pa.string()), ("timestamp_s", pa.float64())]
    + [(name, pa.float64()) for name in COLUMNS]
    + [("during_transfer", pa.bool_()), ("mode", pa.string())]
)


def export(
    connection: Connection, folder: Path, on_rows: Callable[[int], None] = lambda count: None
) -> int:
    """Write all samples below ``folder``; return the number of days.

    ``folder/day=2026-03-01/samples.parquet`` has the columns ``trace_id`` (the link),
    ``timestamp_s``, those of `pba.types.COLUMNS`, ``during_transfer``, and the link's current
    ``mode``. Each link's rows are in the order of time.

    Parameters
    ----------
    on_rows
        Receives the number of rows after each part that is written.
    """
    files = DayFiles(folder, "samples.parquet", _SCHEMA)
    try:
        for table, at_us in _tables(connection):
            files.add_by_day(table, at_us)
            on_rows(len(at_us))
    finally:
        count = files.close()
    return count


def _tables(connection: Connection) -> Iterator[tuple[pa.Table, np.ndarray]]:
    """Yield the samples of all links as tables with their times (microseconds), ordered by link."""
    query = (
        select(
            links.c.link_id,
            links.c.mode,
            samples.c.at_us,
            samples.c.during_transfer,
            *(samples.c[name] for name in COLUMNS),
        )
        .select_from(samples.join(links, links.c.id == samples.c.link))
        .order_by(samples.c.link, samples.c.at_us)
    )
    streamed = connection.execution_options(yield_per=_ROWS).execute(query)
    for rows in streamed.partitions():
        names, modes, at_us, marks, *values = zip(*map(tuple, rows), strict=True)
        times_us = np.array(at_us, dtype=np.int64)
        columns = [pa.array(names), pa.array(times_us / 1e6)]
        columns += [pa.array(column, pa.float64()) for column in values]
        columns.append(pa.array(map(bool, marks), pa.bool_()))
        columns.append(pa.array(modes, pa.string()))
        yield pa.Table.from_arrays(columns, schema=_SCHEMA), times_us
