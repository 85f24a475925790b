"""The history of one link: its samples in time order."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from pba.errors import InvalidHistory
from pba.types.arrays import Booleans, Floats
from pba.types.sample import COLUMNS, NetworkMetrics
from pba.types.sample_rules import check_samples

__all__ = ["History", "order_error"]


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Samples of one link, oldest first, checked when constructed.

    Parameters
    ----------
    timestamps_s
        Unix seconds, shape ``(sample,)``, strictly increasing.
    telemetry
        Physical units, shape ``(sample, 5)``, columns as in `COLUMNS`, NaN where not measured.
    during_transfer
        Which samples are marked so, ``(sample,)``; None if none is.

    Raises
    ------
    InvalidSample
        For a bandwidth that is missing or a value outside its range, naming the sample.
    InvalidHistory
        For timestamps that do not increase, naming the two samples.
    """

    timestamps_s: Floats
    telemetry: Floats
    during_transfer: Booleans | None = None

    def __post_init__(self) -> None:
        check_samples(self.timestamps_s, self.telemetry, "history")
        _check_order(self.timestamps_s)

    @classmethod
    def of(cls, samples: Iterable[NetworkMetrics]) -> Self:
        """Return the history of ``samples``, given oldest first."""
        listed = list(samples)
        rows = [(sample.timestamp_s, *sample.values) for sample in listed]
        table = np.array(rows, dtype=float).reshape(-1, 1 + len(COLUMNS))
        marks = np.array([sample.during_transfer for sample in listed], dtype=bool)
        return cls(table[:, 0], table[:, 1:], marks if marks.any() else None)

    @classmethod
    def trusted(
        cls, timestamps_s: Floats, telemetry: Floats, during_transfer: Booleans | None = None
    ) -> "History":
        """Return the history of samples that have been checked already."""
        history = object.__new__(cls)
        object.__setattr__(history, "timestamps_s", timestamps_s)
        object.__setattr__(history, "telemetry", telemetry)
        object.__setattr__(history, "during_transfer", during_transfer)
        return history

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.timestamps_s)

    def first(self, count: int) -> "History":
        """Return the oldest ``count`` samples (all of them if there are fewer)."""
        return self._part(slice(None, count))

    def last(self, count: int) -> "History":
        """Return the newest ``count`` samples (all of them if there are fewer)."""
        if count >= len(self):
            return self
        return self._part(slice(len(self) - count, None))

    def with_telemetry(self, telemetry: Floats) -> "History":
        """Return the history with other values, which are as valid, at the same times."""
        if telemetry is self.telemetry:
            return self
        return History.trusted(self.timestamps_s, telemetry, self.during_transfer)

    def _part(self, rows: slice) -> "History":
        marks = self.during_transfer
        return History.trusted(
            self.timestamps_s[rows], self.telemetry[rows], None if marks is None else marks[rows]
        )


def order_error(timestamps_s: Floats, row: int) -> InvalidHistory:
    """Return the error of a sample, in ``row``, that is not after the one before it."""
    return InvalidHistory(
        f"timestamps strictly increase; history[{row - 1}] is at {timestamps_s[row - 1]:.6f} s and "
        f"history[{row}] at {timestamps_s[row]:.6f} s. Sort the samples and drop duplicates.",
        f"history[{row}].timestamp",
    )


def _check_order(timestamps_s: Floats) -> None:
    late = np.flatnonzero(np.diff(timestamps_s) <= 0)
    if late.size:
        raise order_error(timestamps_s, int(late[0]) + 1)
