"""The samples of one request, of any number of links, as arrays: one bad row costs no other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pba.errors import InvalidInput, InvalidRequest, quoted
from pba.types.arrays import Booleans, Floats
from pba.types.history import History, order_error
from pba.types.sample_rules import mask_ignored, sample_error, wrong_rows

__all__ = ["SampleTable"]


@dataclass(frozen=True, slots=True, eq=False)
class SampleTable:
    """Samples as rows, each checked for itself; `of` checks them.

    Parameters
    ----------
    timestamps_s
        Unix seconds, shape ``(sample,)``, NaN where there is none that can be read.
    telemetry
        Shape ``(sample, 5)``, columns as in `pba.types.COLUMNS`, NaN where not measured or out of
        range.
    ignored
        How many optional values of each row are NaN because they were out of range, ``(sample,)``.
    wrong
        Which rows have no valid bandwidth or time, ``(sample,)``.
    unreadable
        By row, text in place of a time.
    during_transfer
        Which rows are marked so, ``(sample,)``; None if none is.
    """

    timestamps_s: Floats
    telemetry: Floats
    ignored: NDArray[np.int64]
    wrong: NDArray[np.bool_]
    unreadable: Mapping[int, str]
    during_transfer: Booleans | None = None

    @classmethod
    def of(
        cls,
        timestamps_s: Floats,
        telemetry: Floats,
        unreadable: Mapping[int, str] | None = None,
        during_transfer: Booleans | None = None,
    ) -> Self:
        """Return the table of these values; ``telemetry`` is changed in place."""
        ignored = mask_ignored(telemetry)
        wrong = wrong_rows(timestamps_s, telemetry)
        return cls(timestamps_s, telemetry, ignored, wrong, unreadable or {}, during_transfer)

    def error(self, row: int) -> InvalidInput:
        """Return the error of a ``wrong`` row; its field is the name of the value."""
        if row in self.unreadable:
            text = self.unreadable[row]
            return InvalidRequest(
                f"timestamp is {quoted(text)}; it is RFC 3339 text or a number of Unix seconds. "
                "Write it as 2026-03-01T12:00:00Z.",
                "timestamp",
            )
        return sample_error(float(self.timestamps_s[row]), float(self.telemetry[row, 0]))

    def histories(self, counts: Sequence[int]) -> list[History | InvalidInput]:
        """Return one history after the other, of ``counts`` samples each.

        In place of a history whose bandwidths, times or order break a rule is its first error, with
        the sample's index in that history.
        """
        starts, ends = _bounds(counts)
        wrong = self.wrong.copy()
        wrong[1:] |= self.timestamps_s[1:] <= self.timestamps_s[:-1]
        first = starts[starts < len(wrong)]
        wrong[first] = self.wrong[first]
        rows = np.flatnonzero(wrong)
        parts, places = np.unique(np.searchsorted(ends, rows, side="right"), return_index=True)
        errors = {
            part: self._history_error(int(starts[part]), row)
            for part, row in zip(parts.tolist(), rows[places].tolist(), strict=True)
        }
        return [
            errors.get(part)
            or History.trusted(self.timestamps_s[at], self.telemetry[at], self.marks(at))
            for part, at in enumerate(map(slice, starts.tolist(), ends.tolist()))
        ]

    def any_ignored(self, counts: Sequence[int]) -> list[bool]:
        """Return whether values of each history, of ``counts`` samples, were out of range."""
        sums = np.concatenate([[0], np.cumsum(self.ignored)])
        starts, ends = _bounds(counts)
        some: list[bool] = (sums[ends] > sums[starts]).tolist()
        return some

    def marks(self, rows: slice | NDArray[np.int64]) -> Booleans | None:
        """Return which of ``rows`` are marked ``during_transfer``; None if no row is."""
        return None if self.during_transfer is None else self.during_transfer[rows]

    def _history_error(self, start: int, row: int) -> InvalidInput:
        if not self.wrong[row]:
            return order_error(self.timestamps_s[start:], row - start)
        error = self.error(row)
        return type(error)(error.message, f"history[{row - start}].{error.field}")


def _bounds(counts: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first row of each part, and the row behind its last one."""
    ends = np.cumsum(counts, dtype=np.int64)
    return ends - np.asarray(counts, dtype=np.int64), ends
