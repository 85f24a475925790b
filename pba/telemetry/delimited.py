"""Tables in text files: the dialect is sniffed, and lines that are no rows are counted."""

from collections.abc import Iterator, Sequence

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

_SECOND_HEADER = Fault("the row", "the header stands once, above the rows", "Remove the line.")
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
    lines
        The number of each row's line; empty to look for it when it is needed.
    """

    def __init__(
        self,
        source: TraceSource,
        dialect: Dialect,
        columns: dict[int, pa.ChunkedArray],
        report: ReadReport,
        lines: Sequence[int] = (),
    ) -> None:
        self._source, self._dialect = source, dialect
        self._columns, self._report = columns, report
        self._lines = lines

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self._columns.values())))

    def place(self, row: int) -> str:
        """Return where a row is, for messages: its number and its line in the file."""
        if not self._lines:
            self._lines = [number for number, _ in _lines_of(self._source, self._dialect)]
        return f"row {row + 1} (line {self._lines[row]})"

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

    def times(self, column: int, factor: float = 0.0) -> Times:
        """Return a column as times; what is none is NaN, and counted as a row left out."""
        values = self._columns[column].cast(pa.string())
        times = times_of_texts(values, factor)
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
    lines: list[int] = []
    columns = None
    if not _is_uneven(source):
        types = dict.fromkeys(numbers, pa.float64()) | dict.fromkeys(texts, pa.string())
        columns = _read(source.text, dialect.header_line + 1, dialect, types)
    if columns is None:
        columns, lines = _read_rows(source, dialect, report, sorted({*numbers, *texts}))
    if not columns or not len(next(iter(columns.values()))):
        raise InvalidTrace(
            f"{source.path} has 0 rows; a trace has at least one. Check what wrote it."
        )
    return Table(source, dialect, columns, report, lines)


def _is_uneven(source: TraceSource) -> bool:
    """Return whether there is a comment below the start, or a line with a quote left open."""
    if "\n#" in source.text:
        return True
    return '"' in source.text and any(line.count('"') % 2 for line in source.text.split("\n"))


def _read(
    text: str, skip: int, dialect: Dialect, types: dict[int, pa.DataType]
) -> dict[int, pa.ChunkedArray] | None:
    """Return the columns of ``types``; None if a line is no row, or a value is not of its type."""
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(text.encode()),
            pyarrow.csv.ReadOptions(
                column_names=[str(index) for index in range(len(dialect.names))], skip_rows=skip
            ),
            pyarrow.csv.ParseOptions(delimiter=dialect.delimiter),
            pyarrow.csv.ConvertOptions(
                column_types={str(index): type_ for index, type_ in types.items()},
                include_columns=[str(index) for index in types],
                null_values=list(MISSING),
                strings_can_be_null=True,
                decimal_point="," if dialect.decimal_comma else ".",
            ),
        )
    except pa.ArrowInvalid:  # the lines are looked at one by one, which says what is wrong
        return None
    return {index: table[str(index)] for index in types}


def _read_rows(
    source: TraceSource, dialect: Dialect, report: ReadReport, columns: Sequence[int]
) -> tuple[dict[int, pa.ChunkedArray], list[int]]:
    """Return the columns as texts, and the number of each row's line; count the other lines."""
    rows, invalid, headers = [], [], []
    usual = max(dialect.names, key=len)
    for number, line in _lines_of(source, dialect):
        if usual in line and _is_header(source, dialect, number, line):
            headers.append((f"line {number}", "the header again"))
        elif _width(line, dialect.delimiter) != len(dialect.names):
            invalid.append((f"line {number}", repr(shortened(line))))
        else:
            rows.append((number, line))
    cells = f"it has {len(dialect.names)} cells, as the header"
    report.add(Fault("the row", cells, "Remove the line."), invalid)
    report.add(_SECOND_HEADER, headers)
    text = "\n".join(line for _, line in rows)
    raw = _read(text, 0, dialect, dict.fromkeys(columns, pa.string())) if rows else {}
    if raw is None:
        raise InvalidTrace(
            f"{source.path} cannot be read as a table; a line is longer than a million characters. "
            "Check what wrote it."
        )
    missing, null = pa.array(MISSING), pa.scalar(None, pa.string())
    values = {index: pc.utf8_trim_whitespace(column) for index, column in raw.items()}
    arrays = {
        index: pc.if_else(pc.is_in(column, missing), null, column)
        for index, column in values.items()
    }
    return arrays, [number for number, _ in rows]


def _width(line: str, delimiter: str) -> int:
    """Return the number of cells; 0 where a quote is left open."""
    if '"' not in line:
        return line.count(delimiter) + 1
    return 0 if line.count('"') % 2 else len(cells_of(line, delimiter))


def _lines_of(source: TraceSource, dialect: Dialect) -> Iterator[tuple[int, str]]:
    """Yield the number, from 1, and the text of each line below the header that may be a row."""
    for number, line in enumerate(source.text.split("\n"), 1):
        if number > dialect.header_line + 1 and is_row(line):
            yield number, line


def _is_header(source: TraceSource, dialect: Dialect, number: int, line: str) -> bool:
    """Return whether a line is the header again.

    Raises
    ------
    InvalidTrace
        If it is one of other columns, below which all values would be wrong.
    """
    cells = [cell.strip() for cell in cells_of(line, dialect.delimiter)]
    if cells == list(dialect.names):
        return True
    if sum(cell in dialect.names for cell in cells if cell) > 1:
        raise InvalidTrace(
            f"{source.path}, line {number}: another header, {shortened(line)}; a table has one. "
            "Put what follows into a file of its own."
        )
    return False
