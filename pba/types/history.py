"""The history of one link: its samples in time order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Self

import numpy as np

from pba.errors import InvalidHistory, InvalidSample
from pba.types.arrays import Floats
from pba.types.sample import COLUMNS, LIMITS, NetworkMetrics

__all__ = ["History", "check_samples"]

_HIGHEST = np.array([limit.highest for limit in LIMITS.values()])
_YEAR_10000_S = 253_402_300_800.0


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Samples of one link, oldest first, checked when constructed.

    Parameters
    ----------
    timestamps_s
        Unix seconds, shape ``(sample,)``, strictly increasing.
    telemetry
        Physical units, shape ``(sample, 5)``, columns as in `COLUMNS`, NaN where not measured.

    Raises
    ------
    InvalidSample
        For a bandwidth that is missing or a value outside its range, naming the sample.
    InvalidHistory
        For timestamps that do not increase, naming the two samples.
    """

    timestamps_s: Floats
    telemetry: Floats

    def __post_init__(self) -> None:
        check_samples(self.timestamps_s, self.telemetry, "history")
        _check_order(self.timestamps_s)

    @classmethod
    def of(cls, samples: Iterable[NetworkMetrics]) -> Self:
        """Return the history of ``samples``, given oldest first."""
        rows = [(sample.timestamp_s, *sample.values) for sample in samples]
        table = np.array(rows, dtype=float).reshape(-1, 1 + len(COLUMNS))
        return cls(table[:, 0], table[:, 1:])

    @classmethod
    def parts(
        cls, timestamps_s: Floats, telemetry: Floats, counts: Sequence[int]
    ) -> list["History"]:
        """Return one history after the other, of ``counts`` samples each, all checked at once.

        Raises
        ------
        InvalidSample, InvalidHistory
            As the constructor, by the sample's place in the arrays.
        """
        check_samples(timestamps_s, telemetry, "history")
        ends = list(accumulate(counts))
        _check_order(timestamps_s, ends[:-1])
        rows = [slice(end - count, end) for end, count in zip(ends, counts, strict=True)]
        return [_unchecked(timestamps_s[part], telemetry[part]) for part in rows]

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.timestamps_s)

    def first(self, count: int) -> "History":
        """Return the oldest ``count`` samples (all of them if there are fewer)."""
        return _unchecked(self.timestamps_s[:count], self.telemetry[:count])

    def last(self, count: int) -> "History":
        """Return the newest ``count`` samples (all of them if there are fewer)."""
        if count >= len(self):
            return self
        start = len(self) - count
        return _unchecked(self.timestamps_s[start:], self.telemetry[start:])

    def with_telemetry(self, telemetry: Floats) -> "History":
        """Return the history with other values, which are as valid, at the same times."""
        return self if telemetry is self.telemetry else _unchecked(self.timestamps_s, telemetry)


def _unchecked(timestamps_s: Floats, telemetry: Floats) -> History:
    """Return a part of a history whose samples have already been checked."""
    part = object.__new__(History)
    object.__setattr__(part, "timestamps_s", timestamps_s)
    object.__setattr__(part, "telemetry", telemetry)
    return part


def _check_order(timestamps_s: Floats, starts: Sequence[int] = ()) -> None:
    """Check that the times increase, but where a history ``starts``."""
    wrong = np.diff(timestamps_s) <= 0
    wrong[[start - 1 for start in starts if 0 < start < len(timestamps_s)]] = False
    late = np.flatnonzero(wrong)
    if late.size:
        row = int(late[0])
        raise InvalidHistory(
            f"timestamps strictly increase; history[{row}] is at {timestamps_s[row]:.6f} s and "
            f"history[{row + 1}] at {timestamps_s[row + 1]:.6f} s. Sort the samples and drop "
            "duplicates.",
            f"history[{row + 1}].timestamp",
        )


def check_samples(timestamps_s: Floats, telemetry: Floats, name: str) -> None:
    """Check every sample against `LIMITS`; their order does not matter.

    Parameters
    ----------
    timestamps_s, telemetry
        As in a `History`.
    name
        The caller's name of the list, for error messages.

    Raises
    ------
    InvalidSample
        For a time outside 1970 to 9999, a missing bandwidth, or a value out of its range.
    """
    missing = np.isnan(telemetry)
    wrong = ~missing & ~((telemetry >= 0) & (telemetry <= _HIGHEST))
    wrong[:, 0] |= missing[:, 0]
    if wrong.any():
        row, column = (int(index) for index in np.argwhere(wrong)[0])
        raise _out_of_range(f"{name}[{row}].", COLUMNS[column], float(telemetry[row, column]))
    possible = (timestamps_s >= 0) & (timestamps_s < _YEAR_10000_S)
    if not possible.all():
        row = int(np.argmin(possible))
        raise InvalidSample(
            f"timestamp is {timestamps_s[row]:.6f}; it is in Unix seconds, from 1970 to the year "
            "9999. Divide milliseconds by 1000.",
            f"{name}[{row}].timestamp",
        )


def _out_of_range(prefix: str, column: str, value: float) -> InvalidSample:
    limit = LIMITS[column]
    remedy = limit.remedy if value > limit.highest else "Drop the sample, or leave the field out."
    return InvalidSample(f"{column} is {value:.6g}; it is {limit.rule}. {remedy}", prefix + column)
