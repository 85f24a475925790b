"""Times as trace files write them: RFC 3339 and its relatives, or Unix seconds to nanoseconds."""

import datetime as dt
import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pba.types import Floats

__all__ = ["Times", "parse_time", "seconds_of_numbers", "times_of_texts"]

_ZONES = re.compile(r"\s*(?:UTC|GMT|Z)$", re.IGNORECASE)
_UNIX_FACTORS = ((1e17, 1e-9, "nanoseconds"), (1e14, 1e-6, "microseconds"), (3e11, 1e-3, "ms"))


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """Times of the rows of a file.

    Parameters
    ----------
    seconds
        Unix seconds, shape ``(row,)``; NaN where there is none or it cannot be read.
    local
        Whether any of them names no zone, so that it is taken as UTC.
    unit
        The unit of numbers that are no seconds: ``ms``, ``microseconds``, ``nanoseconds``; or
        empty.
    """

    seconds: Floats
    local: bool = False
    unit: str = ""


def parse_time(text: str) -> tuple[float, bool]:
    """Return the Unix seconds of one text, NaN if it is none, and whether it names no zone.

    Examples
    --------
    >>> parse_time("2026-03-01 12:00:00 UTC"), parse_time("2026-03-01T13:00:00+01:00")
    ((1772366400.0, False), (1772366400.0, False))
    >>> parse_time("2026-03-01 12:00:00"), parse_time("1772366400"), parse_time("noon")
    ((1772366400.0, True), (1772366400.0, False), (nan, False))
    """
    text = text.strip()
    try:
        return float(text), False
    except ValueError:
        pass
    try:
        moment = dt.datetime.fromisoformat(_ZONES.sub("+00:00", text).replace("/", "-"))
    except ValueError:
        return np.nan, False
    if moment.tzinfo is None:
        return moment.replace(tzinfo=dt.UTC).timestamp(), True
    return moment.timestamp(), False


def seconds_of_numbers(numbers: Floats, named_seconds: bool = False) -> Times:
    """Return numbers as Unix seconds: by their size they are seconds, ms, µs or ns.

    Parameters
    ----------
    numbers
        Shape ``(row,)``.
    named_seconds
        Whether the column's name says that they are seconds, which is believed.
    """
    known = numbers[np.isfinite(numbers)]
    typical = float(np.median(np.abs(known))) if known.size else 0.0
    if not named_seconds:
        for lowest, factor, unit in _UNIX_FACTORS:
            if typical >= lowest:
                return Times(numbers * factor, False, unit)
    return Times(numbers)


def times_of_texts(column: pa.ChunkedArray, named_seconds: bool = False) -> Times:
    """Return the times of a column of texts; each row may have a form of its own."""
    try:
        return seconds_of_numbers(np.asarray(column.cast(pa.float64())), named_seconds)
    except pa.ArrowInvalid:
        pass
    for zone in (None, "UTC"):
        try:
            moments = column.cast(pa.timestamp("us", zone)).cast(pa.int64()).cast(pa.float64())
            return Times(np.asarray(moments) / 1e6, zone is None)
        except pa.ArrowInvalid:
            continue
    parsed = [(np.nan, False) if text is None else parse_time(text) for text in column.to_pylist()]
    seconds = np.array([second for second, _ in parsed])
    return Times(seconds, any(local for _, local in parsed))
