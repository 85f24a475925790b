"""Parquet files: of PBA, and of data frames."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from pba.errors import InvalidTrace
from pba.telemetry.column_names import TIME, ColumnMeaning, assign
from pba.telemetry.importers.grouping import series_of
from pba.telemetry.measurements import Measurements
from pba.telemetry.read_report import ReadReport
from pba.telemetry.timestamps import Times, seconds_of_numbers, times_of_texts
from pba.telemetry.trace_source import TraceSource
from pba.telemetry.transfer_marks import DURING_TRANSFER, transfer_marks
from pba.types import COLUMNS, Floats

__all__ = ["ParquetImporter"]

_INDEX = "__index_level_0__"


class ParquetImporter:
    """Reads the columns of a Parquet file by their names, as those of a table."""

    name = "parquet"
    general = False

    def recognises(self, source: TraceSource) -> bool:
        """Return whether the file starts as Parquet files do."""
        return bool(source.parquet)

    def read(self, source: TraceSource, report: ReadReport) -> list[Measurements]:
        """Return the measurements by the column ``trace_id``."""
        try:
            file = pyarrow.parquet.ParquetFile(pa.BufferReader(source.parquet))
            names = file.schema_arrow.names
            known = ["timestamp" if name == _INDEX else name for name in names]
            fields = assign(known, source.path, report, source.unit)
            table = file.read([names[index] for index, _ in fields.values()])
        except (pa.ArrowException, OSError) as error:
            raise InvalidTrace(f"{source.path} cannot be read: {error}. Write it again.") from error
        if not table.num_rows:
            raise InvalidTrace(
                f"{source.path} has 0 rows; a trace has at least one. Check what wrote it."
            )
        columns = {field: table[names[index]] for field, (index, _) in fields.items()}
        telemetry = np.full((table.num_rows, len(COLUMNS)), np.nan)
        for field in columns.keys() & set(COLUMNS):
            values = _numbers(columns[field], field, source)
            telemetry[:, COLUMNS.index(field)] = values * fields[field][1].factor
        times = _times(columns[TIME], fields[TIME][1], source, report)
        names = {"trace_id", "split", DURING_TRANSFER}
        texts = {name: _texts(columns[name]) for name in columns.keys() & names}
        marks = transfer_marks(texts.get(DURING_TRANSFER), _place, report)
        return series_of(
            source.path, texts.get("trace_id"), texts.get("split"), times, telemetry, _place,
            marks, counted=False,
        )  # fmt: skip


def _place(row: int) -> str:
    return f"row {row + 1}"


def _numbers(column: pa.ChunkedArray, name: str, source: TraceSource) -> Floats:
    try:
        return np.asarray(column.cast(pa.float64()))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InvalidTrace(
            f"{source.path}: {name} is of type {column.type}; it is numbers. Write numbers or "
            "nulls."
        ) from None


def _times(
    column: pa.ChunkedArray, meaning: ColumnMeaning, source: TraceSource, report: ReadReport
) -> Times:
    if pa.types.is_timestamp(column.type):
        micros = column.cast(pa.timestamp("us", column.type.tz), safe=False).cast(pa.int64())
        return Times(_numbers(micros, TIME, source) / 1e6, column.type.tz is None)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return times_of_texts(column, meaning.factor)
    times = seconds_of_numbers(_numbers(column, TIME, source), meaning.factor)
    if times.unit:
        report.note(f"Times are read as Unix {times.unit}.")
    return times


def _texts(column: pa.ChunkedArray) -> np.ndarray:
    return np.array(pc.fill_null(column.cast(pa.string()), "").to_pylist(), dtype=object)
