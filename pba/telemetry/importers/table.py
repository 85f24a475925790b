"""Plain tables with a header: of PBA, of pandas, and of other tools that name their columns."""

import numpy as np

from pba.errors import InvalidTrace
from pba.telemetry.column_names import TIME, ColumnMeaning, assign, meaning
from pba.telemetry.delimited import Table, read_table
from pba.telemetry.dialect import sniff
from pba.telemetry.importers.grouping import series_of
from pba.telemetry.measurements import Measurements
from pba.telemetry.read_report import ReadReport
from pba.telemetry.timestamps import Times
from pba.telemetry.trace_source import TraceSource
from pba.telemetry.transfer_marks import DURING_TRANSFER, transfer_marks
from pba.types import COLUMNS

__all__ = ["TableImporter"]


class TableImporter:
    """Reads a table whose header names a time and a bandwidth."""

    name = "table"
    general = True

    def recognises(self, source: TraceSource) -> bool:
        """Return whether a line is a header with a known name."""
        return sniff(source.head, _is_known, required=1) is not None

    def read(self, source: TraceSource, report: ReadReport) -> list[Measurements]:
        """Return the measurements by the column ``trace_id``."""
        dialect = sniff(source.head, _is_known, required=1)
        if dialect is None:
            raise InvalidTrace(f"{source.path} has no header; a table has one. Add it.")
        names = dialect.names
        if not any(_means_time(name) for name in names) and "" in names:
            names = tuple("timestamp" if name == "" else name for name in names)
        fields = assign(names, source.path, report, source.unit)
        numeric = [index for field, (index, _) in fields.items() if field in COLUMNS]
        others = [index for field, (index, _) in fields.items() if field not in COLUMNS]
        table = read_table(source, dialect, report, numeric, others)
        telemetry = np.full((len(table), len(COLUMNS)), np.nan)
        for field, (index, column) in fields.items():
            if field in COLUMNS:
                telemetry[:, COLUMNS.index(field)] = table.numbers(index) * column.factor
        times = _times(table, *fields[TIME], report)
        texts = {
            field: table.texts(fields[field][0]) if field in fields else None
            for field in ("trace_id", "split", DURING_TRANSFER)
        }
        marks = transfer_marks(texts[DURING_TRANSFER], table.place, report)
        return series_of(
            source.path, texts["trace_id"], texts["split"], times, telemetry, table.place, marks
        )


def _is_known(name: str) -> bool:
    return meaning(name) is not None


def _means_time(name: str) -> bool:
    column = meaning(name)
    return column is not None and column.field == TIME


def _times(table: Table, index: int, column: ColumnMeaning, report: ReadReport) -> Times:
    times = table.times(index, column.factor)
    if times.unit:
        report.note(f"Times are read as Unix {times.unit}.")
    if column.factor not in (0.0, 1.0):
        report.note(f"Times that are numbers are multiplied by {column.factor:g} to seconds.")
    return times
