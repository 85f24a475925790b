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


def parse_time(text: str, factor: float = 1.0) -> tuple[float, bool]:
    """Return the Unix seconds of one text, NaN if it is none, and whether it names no zone.

    Parameters
    ----------
    factor
        From a number to seconds.

    Examples
    --------
    >>> parse_time("2026-03-01 12:00:00 UTC"), parse_time("2026-03-01T13:00:00+01:00")
    ((1772366400.0, False), (1772366400.0, False))
    >>> parse_time("2026-03-01 12:00:00"), parse_time("1772366400"), parse_time("noon")
    ((1772366400.0, True), (1772366400.0, False), (nan, False))
    """
    text = text.strip()
    try:
        return float(text) * factor, False
    except ValueError:
        pass
    try:
        moment = dt.datetime.fromisoformat(_ZONES.sub("+00:00", text).replace("/", "-"))
    except ValueError:
        return np.nan, False
    if moment.tzinfo is None:
        return moment.replace(tzinfo=dt.UTC).timestamp(), True
    return moment.timestamp(), False


def seconds_of_numbers(numbers: Floats, factor: float = 0.0) -> Times:
    """Return numbers as Unix seconds: by their size they are seconds, ms, µs or ns.

    Parameters
    ----------
    numbers
        Shape ``(row,)``.
    factor
        To seconds, if the column's name has a unit; 0 to go by the size.
    """
    if factor:
        return Times(numbers * factor)
    known = numbers[np.isfinite(numbers)]
    typical = float(np.median(np.abs(known))) if known.size else 0.0
    for lowest, to_seconds, unit in _UNIX_FACTORS:
        if typical >= lowest:
            return Times(numbers * to_seconds, False, unit)
    return Times(numbers)


def times_of_texts(column: pa.ChunkedArray, factor: float = 0.0) -> Times:
    """Return the times of a column of texts; each row may have a form of its own.

    Parameters
    ----------
    factor
        As for `seconds_of_numbers`; texts that are no numbers have no unit.
    """
    try:
        return seconds_of_numbers(np.asarray(column.cast(pa.float64())), factor)
    except pa.ArrowInvalid:
        pass
    for zone in (None, "UTC"):
        try:
            moments = column.cast(pa.timestamp("us", zone)).cast(pa.int64()).cast(pa.float64())
            return Times(np.asarray(moments) / 1e6, zone is None)
        except pa.ArrowInvalid:
            continue
    texts = column.to_pylist()
    parsed = [
        (np.nan, False) if text is None else parse_time(text, factor or 1.0) for text in texts
    ]
    seconds = np.array([second for second, _ in parsed])
    return Times(seconds, any(local for _, local in parsed))
