"""Export of forecasts and their outcomes to Parquet, one folder per day."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, Row, Table, select

from pba.evaluation.metrics import in_band
from pba.scoring.codes import ARMS, MODES, SOURCES
from pba.scoring.forecast_body import unpack_all
from pba.store.day_files import DayFiles
from pba.store.tables import ACTUALS, forecasts, links, open_forecasts, versions
from pba.types import HORIZONS, INTERVALS, QUANTILES, Floats

__all__ = ["FORECAST_FOLDER", "export_forecasts"]

FORECAST_FOLDER = "forecasts"
"""The folder, beside those of the samples, that holds a folder per day."""

_ROWS = 20_000
_FIELDS = [
    ("link_id", pa.string()),
    ("after_s", pa.float64()),
    ("made_at_s", pa.float64()),
    ("mode", pa.string()),
    ("arm", pa.string()),
    ("served", pa.bool_()),
    ("source", pa.string()),
    ("model_version", pa.string()),
    ("step_s", pa.float64()),
    ("took_ms", pa.float64()),
]
_TARGETS = (*map(str, HORIZONS), *(f"mean_{steps}" for steps in INTERVALS))
_QUANTILE_NAMES = [f"q{round(100 * level):02d}_mbps" for level in QUANTILES]


def _schema() -> pa.Schema:
    fields = list(_FIELDS)
    for target in _TARGETS:
        names = ("bandwidth_mbps", "confidence", "unadapted", *_QUANTILE_NAMES, "actual_mbps")
        fields += [(f"{name}_{target}", pa.float64()) for name in names]
        fields.append((f"in_band_{target}", pa.bool_()))
    return pa.schema(fields)


_SCHEMA = _schema()


def export_forecasts(
    connection: Connection, folder: Path, on_rows: Callable[[int], None] = lambda count: None
) -> int:
    """Write all forecasts below ``folder``, those of a day in a file; return the number of days.

    ``folder/forecasts/day=2026-03-01/forecasts.parquet`` has a row per forecast: its link, the time
    of its newest sample, and for 1, 5 and 15 steps, and for the means over 5, 15 and 60, the point,
    the confidence as it was given and before the link's record was applied, the quantiles, and,
    where known, the actual and whether the point was in band; null for means without a forecast.
    The rows of a link are in the order of time.

    Parameters
    ----------
    on_rows
        Receives the number of rows after each part that is written.
    """
    files = DayFiles(folder / FORECAST_FOLDER, "forecasts.parquet", _SCHEMA)
    try:
        for table in (forecasts, open_forecasts):
            for rows in _parts(connection, table):
                files.add_by_day(_table(rows), np.array([row.after_us for row in rows]))
                on_rows(len(rows))
    finally:
        count = files.close()
    return count


def _parts(connection: Connection, table: Table) -> Iterator[Sequence[Row[Any]]]:
    """Yield the rows of ``table``; of open forecasts those that are not logged as well."""
    of_link = links.c.id == table.c.link
    query = select(table, links.c.link_id, versions.c.name.label("version_name"))
    query = query.join(links, of_link).join(versions, versions.c.id == table.c.version)
    if table is open_forecasts:
        key = ("link", "after_us", "arm", "version")
        same = [forecasts.c[name] == open_forecasts.c[name] for name in key]
        query = query.where(~select(forecasts.c.link).where(*same).exists())
    query = query.order_by(table.c.link, table.c.after_us, table.c.arm)
    streamed = connection.execution_options(yield_per=_ROWS).execute(query)
    yield from streamed.partitions()


def _table(rows: Sequence[Row[Any]]) -> pa.Table:
    predictions = unpack_all([row.body for row in rows])
    points_mbps = predictions["points_mbps"]
    columns: list[Any] = [
        [row.link_id for row in rows],
        [row.after_us / 1e6 for row in rows],
        [row.created_us / 1e6 for row in rows],
        [MODES[row.mode].value for row in rows],
        [ARMS[row.arm].value for row in rows],
        [row.served for row in rows],
        [SOURCES[row.source] for row in rows],
        [row.version_name or None for row in rows],
        [row.step_s for row in rows],
        [row.took_ms for row in rows],
    ]
    for index, name in enumerate(ACTUALS):
        actual = [getattr(row, name) for row in rows]
        lacking = np.isnan(points_mbps[:, index])
        columns += [points_mbps[:, index]]
        columns += [np.where(lacking, np.nan, predictions["confidence"][:, index])]
        columns += [np.where(lacking, np.nan, predictions["unadapted"][:, index])]
        columns += [*predictions["quantiles_mbps"][:, index].T, actual]
        columns += [_hits(points_mbps[:, index], np.array(actual, dtype=float))]
    arrays = [
        pa.array(one, kind, from_pandas=True)  # NaN is null
        for one, kind in zip(columns, _SCHEMA.types, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=_SCHEMA)


def _hits(points_mbps: Floats, actual_mbps: Floats) -> list[bool | None]:
    """Return which points are in band; None where the actual is unknown."""
    known = ~np.isnan(actual_mbps)
    hits = in_band(points_mbps, np.where(known, actual_mbps, 0.0))
    return [bool(hit) if is_known else None for hit, is_known in zip(hits, known, strict=True)]
