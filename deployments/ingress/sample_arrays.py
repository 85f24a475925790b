"""Samples of a body, in rows or in columns, as one array."""

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from msgspec.structs import astuple

from pba.errors import InvalidRequest
from pba.types import COLUMNS, Booleans, Floats, SampleTable

from .request_models import HistoryColumns, SampleDocument

__all__ = ["SampleArray", "sample_array", "sample_table"]

_VALUES = 1 + len(COLUMNS)
_values = attrgetter("timestamp", *COLUMNS)
_Times = Sequence[float | str | None]


class SampleArray(NamedTuple):
    """Samples as numbers, not checked yet.

    Parameters
    ----------
    values
        Unix seconds and `COLUMNS`, NaN where there is no number, shape ``(6, sample)``.
    unreadable
        By sample, text in place of a time.
    during_transfer
        Which samples are marked so, ``(sample,)``; None if none is.
    """

    values: Floats
    unreadable: dict[int, str]
    during_transfer: Booleans | None

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return int(self.values.shape[1])


def sample_array(samples: Sequence[SampleDocument] | HistoryColumns, name: str) -> SampleArray:
    """Return ``samples``, the field ``name`` of a body, as an array.

    Raises
    ------
    InvalidRequest
        For columns of different lengths.
    """
    if isinstance(samples, HistoryColumns):
        return _from_columns(samples, name)
    marks = _marks([sample.during_transfer for sample in samples])
    try:
        return SampleArray(_numbers(map(_values, samples), (len(samples), _VALUES)).T, {}, marks)
    except ValueError:  # a time that is text
        return _with_text(samples, marks)


def sample_table(arrays: Sequence[SampleArray]) -> SampleTable:
    """Return the samples of ``arrays``, one after the other, checked."""
    empty = np.empty((_VALUES, 0))
    values = np.concatenate([empty, *(array.values for array in arrays)], axis=1)
    unreadable: dict[int, str] = {}
    start = 0
    for array in arrays:
        if array.unreadable:
            unreadable |= {start + row: text for row, text in array.unreadable.items()}
        start += array.samples
    return SampleTable.of(values[0], values[1:].T, unreadable, _all_marks(arrays))


def _marks(values: Sequence[bool | None]) -> Booleans | None:
    """Return ``values`` as an array, None if none of them is true."""
    return np.array(values, dtype=bool) if True in values else None


def _all_marks(arrays: Sequence[SampleArray]) -> Booleans | None:
    parts = [array.during_transfer for array in arrays]
    if all(part is None for part in parts):
        return None
    return np.concatenate(
        [
            np.zeros(array.samples, dtype=bool) if part is None else part
            for array, part in zip(arrays, parts, strict=True)
        ]
    )


def _numbers(parts: Iterable[Sequence[float | str | None]], shape: tuple[int, int]) -> Floats:
    """Return rows, or columns, as an array of this shape; NaN for None.

    Raises
    ------
    ValueError
        For text that is no number.
    """
    values = list(chain.from_iterable(parts))
    try:
        numbers = np.frombuffer(struct.pack(f"{len(values)}d", *values))
    except struct.error:  # None or text, which numpy converts, three times as slowly
        numbers = np.fromiter(values, float, len(values))
    return numbers.reshape(shape)


def _with_text(samples: Sequence[SampleDocument], marks: Booleans | None) -> SampleArray:
    times_s, unreadable = _seconds([sample.timestamp for sample in samples])
    rows = ((time_s, *_values(sample)[1:]) for time_s, sample in zip(times_s, samples, strict=True))
    return SampleArray(_numbers(rows, (len(samples), _VALUES)).T, unreadable, marks)


def _from_columns(columns: HistoryColumns, name: str) -> SampleArray:
    *lists, during = astuple(columns)
    given = [values for values in lists if values is not None]
    if {*map(len, given), len(columns.timestamp if during is None else during)} != {len(given[0])}:
        raise _unequal(columns, name)
    shape = (len(given), len(columns.timestamp))
    unreadable: dict[int, str] = {}
    try:
        table = _numbers(given, shape)
    except ValueError:  # a time that is text
        given[0], unreadable = _seconds(columns.timestamp)
        table = _numbers(given, shape)
    if len(given) < _VALUES:
        part, table = table, np.full((_VALUES, shape[1]), np.nan)
        table[[values is not None for values in lists]] = part
    return SampleArray(table, unreadable, None if during is None else _marks(during))


def _unequal(columns: HistoryColumns, name: str) -> InvalidRequest:
    """Return the error of the first column that is not as long as that of the times."""
    count = len(columns.timestamp)
    pairs = zip((*COLUMNS, "during_transfer"), astuple(columns)[1:], strict=True)
    column, values = next(pair for pair in pairs if pair[1] is not None and len(pair[1]) != count)
    return InvalidRequest(
        f"{column} has {len(values)} values and timestamp {count}; columns have one length. Send "
        "null where nothing was measured.",
        f"{name}.{column}",
    )


def _seconds(times: _Times) -> tuple[list[float], dict[int, str]]:
    """Return Unix seconds, and by row the text that is no time."""
    seconds, unreadable = [], {}
    for row, time in enumerate(times):
        if isinstance(time, str):
            time_s = _seconds_of(time)
            if time_s is None:
                unreadable[row] = time
        else:
            time_s = time
        seconds.append(np.nan if time_s is None else time_s)
    return seconds, unreadable


def _seconds_of(text: str) -> float | None:
    """Return the Unix seconds of RFC 3339 text, or of a number as text; None for other text.

    Digits beyond microseconds are dropped, and without an offset the time is UTC.

    >>> _seconds_of("2026-03-01T13:00:00.1234567+01:00"), _seconds_of("2026-03-01")
    (1772366400.123456, None)
    """
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    if len(text) <= len("2026-03-01"):
        return None  # a date alone, not its midnight
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
