"""Tables in text files: the dialect is sniffed, and lines that are no rows are counted."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from pba.errors import InvalidTrace
from pba.telemetry.dialect import Dialect, cells_of, is_row
from pba.telemetry.read_report import Fault, ReadReport, shortened
from pba.telemetry.timestamps import Times, times_of_texts
from pba.telemetry.trace_source import TraceSource
from pba.types import Floats

__all__ = ["MISSING", "Table", "read_table"]

MISSING = ("", "-", "--", "N/A", "n/a", "NA", "na", "#N/A", "NaN", "nan", "NAN", "-nan", "-NaN",
           "null", "NULL", "Null", "None", "none", "?")  # fmt: skip
"""What stands for a missing value."""

_TIME = Fault("timestamp", "it is RFC 3339 or Unix seconds", "Write it as 2026-03-01T12:00:00Z.")


class Table:
    """The rows of a table, by the index of a column.

    Parameters
    ----------
    source, dialect
        The text, and how it is written.
    columns
        Index → numbers or texts, null where missing.
    report
        Counts what cannot be read.
    """

    def __init__(
        self,
        source: TraceSource,
        dialect: Dialect,
        columns: dict[int, pa.ChunkedArray],
        report: ReadReport,
    ) -> None:
        self._source, self._dialect = source, dialect
        self._columns, self._report = columns, report

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self._columns.values())))

    def place(self, row: int) -> str:
        """Return where a row is, for messages: its number and its line in the file."""
        line = f" (line {self._lines[row]})" if row < len(self._lines) else ""
        return f"row {row + 1}{line}"

    @cached_property
    def _lines(self) -> list[int]:
        """The number of each row's line; empty if rows go over several lines."""
        delimiter, width = self._dialect.delimiter, len(self._dialect.names)
        names = list(self._dialect.names)
        numbers = []
        for number, line in _rows_of(self._source, self._dialect):
            cells = cells_of(line, delimiter)
            if len(cells) == width and [cell.strip() for cell in cells] != names:
                numbers.append(number)
        return numbers if len(numbers) == len(self) else []

    def texts(self, column: int) -> np.ndarray:
        """Return a column as texts, shape ``(row,)``; the empty text where missing."""
        texts = self._columns[column].cast(pa.string()).combine_chunks()
        return np.array(pc.fill_null(texts, "").to_pylist(), dtype=object)

    def numbers(self, column: int) -> Floats:
        """Return a column as numbers, shape ``(row,)``, NaN where missing.

        What is no number is missing too, and counted.
        """
        values = self._columns[column]
        if pa.types.is_floating(values.type):
            return np.asarray(values)
        if self._dialect.decimal_comma:
            values = pc.replace_substring(values, ",", ".")
        try:
            return np.asarray(values.cast(pa.float64()))
        except pa.ArrowInvalid:
            return self._readable_numbers(column, values.to_pylist())

    def _readable_numbers(self, column: int, texts: Sequence[str | None]) -> Floats:
        numbers = np.full(len(texts), np.nan)
        wrong = []
        for row, text in enumerate(texts):
            try:
                numbers[row] = np.nan if text is None else float(text)
            except ValueError:
                wrong.append(row)
        name = self._dialect.names[column]
        fault = Fault(name, "it is a number", "Leave failed values empty.", keeps_row=True)
        self._report.add(fault, ((self.place(row), repr(texts[row])) for row in wrong), len(wrong))
        return numbers

    def times(self, column: int, named_seconds: bool = False) -> Times:
        """Return a column as times; what is none is NaN, and counted as a row left out."""
        values = self._columns[column].cast(pa.string())
        times = times_of_texts(values, named_seconds)
        wrong = np.flatnonzero(np.isnan(times.seconds)).tolist()
        where = ((self.place(row), repr(values[row].as_py() or "missing")) for row in wrong)
        self._report.add(_TIME, where, len(wrong))
        return times


def read_table(
    source: TraceSource,
    dialect: Dialect,
    report: ReadReport,
    numbers: Sequence[int],
    texts: Sequence[int],
) -> Table:
    """Read some columns of the table in ``source``.

    Lines with too few or too many cells and repeated headers are left out and counted.

    Parameters
    ----------
    numbers, texts
        The indices of the columns of numbers and of the other columns.

    Raises
    ------
    InvalidTrace
        If there is no row, or if a second header differs from the first.
    """
    try:
        columns = _read(source, dialect, dict.fromkeys(numbers, pa.float64()), texts)
    except pa.ArrowInvalid:  # a row or a value that is none: read all as texts, and look closer
        columns = _rows_only(source, dialect, report, sorted({*numbers, *texts}))
    if not columns or not len(next(iter(columns.values()))):
        raise InvalidTrace(
            f"{source.path} has 0 rows; a trace has at least one. Check what wrote it."
        )
    return Table(source, dialect, columns, report)


def _read(
    source: TraceSource,
    dialect: Dialect,
    types: dict[int, pa.DataType],
    texts: Sequence[int],
    on_invalid: Callable[[pa.csv.InvalidRow], str] | None = None,
) -> dict[int, pa.ChunkedArray]:
    types = types | dict.fromkeys(texts, pa.string())
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(source.text.encode()),
            pyarrow.csv.ReadOptions(
                column_names=[str(index) for index in range(len(dialect.names))],
                skip_rows=dialect.header_line + 1,
                use_threads=on_invalid is None,
            ),
            pyarrow.csv.ParseOptions(delimiter=dialect.delimiter, invalid_row_handler=on_invalid),
            pyarrow.csv.ConvertOptions(
                column_types={str(index): type_ for index, type_ in types.items()},
                include_columns=[str(index) for index in types],
                null_values=list(MISSING),
                strings_can_be_null=True,
                decimal_point="," if dialect.decimal_comma else ".",
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return {}
        raise
    return {index: table[str(index)] for index in types}


def _rows_only(
    source: TraceSource, dialect: Dialect, report: ReadReport, columns: Sequence[int]
) -> dict[int, pa.ChunkedArray]:
    """Return all columns as texts, without lines that are no rows."""
    invalid: list[tuple[int, str]] = []

    def skip(row: pa.csv.InvalidRow) -> str:
        if is_row(row.text):
            invalid.append((row.number, row.text))
        return "skip"

    raw = _read(source, dialect, {}, columns, skip)
    _report_invalid(source, dialect, report, invalid)
    values = {index: pc.utf8_trim_whitespace(column) for index, column in raw.items()}
    if not values:
        return values
    rows = _without_headers(
        dialect, report, pa.table({str(index): column for index, column in values.items()})
    )
    known = pa.array(MISSING)
    null = pa.scalar(None, pa.string())
    return {
        index: pc.if_else(pc.is_in(column, known), null, column)
        for index, column in zip(values, rows.columns, strict=True)
    }


def _rows_of(source: TraceSource, dialect: Dialect) -> Iterator[tuple[int, str]]:
    """Yield the number, from 1, and the text of each line below the header that may be a row."""
    for number, line in enumerate(source.text.split("\n"), 1):
        if number > dialect.header_line + 1 and is_row(line):
            yield number, line


def _report_invalid(
    source: TraceSource, dialect: Dialect, report: ReadReport, invalid: Sequence[tuple[int, str]]
) -> None:
    """Count lines with the wrong number of cells; pyarrow counts lines without the empty ones."""
    if not invalid:
        return
    width = len(dialect.names)
    lines = [number for number, line in enumerate(source.text.split("\n"), 1) if line]
    above = sum(number <= dialect.header_line + 1 for number in lines)
    skipped = dialect.header_line + 1
    where = [(f"line {lines[number - skipped - 1 + above]}", repr(shortened(text)))
             for number, text in invalid]  # fmt: skip
    fault = Fault("the row", f"it has {width} cells, as the header", "Remove the line.")
    report.add(fault, where)


def _without_headers(dialect: Dialect, report: ReadReport, rows: pa.Table) -> pa.Table:
    """Return ``rows`` without comments and repeated headers."""
    first = pc.fill_null(rows.column(0), "")
    keep = pc.invert(pc.starts_with(first, "#"))
    names = [dialect.names[int(index)] for index in rows.column_names]
    cells = [pc.fill_null(column, "") for column in rows.columns]
    equal = np.stack([np.asarray(pc.equal(c, n)) for c, n in zip(cells, names, strict=True)])
    repeated = np.flatnonzero(equal.all(axis=0))
    fault = Fault("the row", "the header stands once, above the rows", "Remove the line.")
    where = [(f"row {row + 1}", "the header again") for row in repeated.tolist()]
    report.add(fault, where)
    return rows.filter(pa.array(np.asarray(keep) & ~equal.all(axis=0)))
