"""The history of one link: samples in the order of time."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from pba.errors import InvalidHistory
from pba.types.arrays import Floats
from pba.types.sample import COLUMNS, NetworkMetrics, check_samples

__all__ = ["History"]


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Samples of one link, oldest first, checked when made.

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

    def __len__(self) -> int:
        """Return how many samples there are."""
        return len(self.timestamps_s)

    def first(self, count: int) -> "History":
        """Return the oldest ``count`` samples (all of them where there are fewer)."""
        return _unchecked(self.timestamps_s[:count], self.telemetry[:count])

    def last(self, count: int) -> "History":
        """Return the newest ``count`` samples (all of them where there are fewer)."""
        if count >= len(self):
            return self
        start = len(self) - count
        return _unchecked(self.timestamps_s[start:], self.telemetry[start:])


def _unchecked(timestamps_s: Floats, telemetry: Floats) -> History:
    """Return a part of a history that was checked when the whole was made."""
    part = object.__new__(History)
    object.__setattr__(part, "timestamps_s", timestamps_s)
    object.__setattr__(part, "telemetry", telemetry)
    return part


def _check_order(timestamps_s: Floats) -> None:
    late = np.flatnonzero(np.diff(timestamps_s) <= 0)
    if late.size:
        row = int(late[0])
        raise InvalidHistory(
            f"timestamps strictly increase; history[{row}] is at {timestamps_s[row]:.6f} s and "
            f"history[{row + 1}] at {timestamps_s[row + 1]:.6f} s. Sort the samples and drop "
            "duplicates.",
            f"history[{row + 1}].timestamp",
        )
