"""How a table in a text file is written, by its header and the first rows."""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Dialect", "cells_of", "is_row", "sniff"]

_DELIMITERS = ",;\t| "
_LEAST_IN_PROSE = 2  # a sentence, too, may hold one word that is a name
_HEADER_LINES = 60
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?")
_DECIMAL_POINT = re.compile(r"[+-]?\d+\.\d+(?:[eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a table is written.

    Parameters
    ----------
    delimiter
        Between cells.
    names
        The names of the columns, without surrounding blanks; empty for a cell without one.
    header_line
        The header's line, counted from 0.
    decimal_comma
        Whether numbers are written as ``80,5``.
    """

    delimiter: str
    names: tuple[str, ...]
    header_line: int
    decimal_comma: bool = False


def sniff(head: str, known: Callable[[str], bool], required: int = 2) -> Dialect | None:
    r"""Return the dialect by the header: the line with most ``known`` names; None if there is none.

    A header may stand behind ``#``, and below other lines.

    Parameters
    ----------
    head
        The beginning of the text.
    known
        Whether a name, without surrounding blanks, is that of a column.
    required
        The least number of known names.

    Examples
    --------
    >>> text = "# probe 4\n Time ;Rate\n0;80,5\n1;81,25\n"
    >>> sniff(text, lambda name: name.lower() in ("time", "rate"))
    Dialect(delimiter=';', names=('Time', 'Rate'), header_line=1, decimal_comma=True)
    """
    best, best_count = None, required - 1
    lines = head.split("\n")[:_HEADER_LINES]
    for number, line in enumerate(lines):
        for delimiter in _DELIMITERS:
            names = tuple(cell.strip() for cell in cells_of(line.lstrip("# "), delimiter))
            count = sum(known(name) for name in names)
            if delimiter == " " and count < _LEAST_IN_PROSE:
                continue
            if count > best_count:
                best, best_count = (delimiter, names, number), count
    if best is None:
        return None
    delimiter, names, number = best
    rows = [cells_of(line, delimiter) for line in lines[number + 1 :] if is_row(line)]
    return Dialect(delimiter, _as_wide_as(names, rows), number, _is_decimal_comma(delimiter, rows))


def cells_of(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line; quotes around them are taken off."""
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a cell beyond the limit of the module
        return [line]


def is_row(line: str) -> bool:
    """Return whether a line is neither blank nor a comment."""
    return bool(line.strip()) and not line.startswith("#")


def _as_wide_as(names: tuple[str, ...], rows: Sequence[list[str]]) -> tuple[str, ...]:
    """Return ``names`` with one more where rows have a nameless index, or end in a delimiter."""
    wider = [row for row in rows if len(row) == len(names) + 1]
    if len(wider) <= len(rows) // 2:
        return names
    return (*names, "") if not any(row[-1].strip() for row in wider) else ("", *names)


def _is_decimal_comma(delimiter: str, rows: Sequence[list[str]]) -> bool:
    cells = [cell.strip() for row in rows for cell in row] if delimiter != "," else []
    commas = sum(bool(_DECIMAL_COMMA.fullmatch(cell)) for cell in cells)
    return commas > sum(bool(_DECIMAL_POINT.fullmatch(cell)) for cell in cells)
