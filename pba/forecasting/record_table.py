"""The records of many links as arrays, and their stored form."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pba.forecasting import calibration
from pba.forecasting.fixed_share import EXPERTS, update_weight_rows
from pba.forecasting.link_record import BODY_VERSION, LinkRecord, current_body
from pba.forecasting.stretch import stretch_rows
from pba.types import HORIZONS, INTERVALS, Floats

__all__ = ["UNSCORED", "RecordTable"]

UNSCORED = 1001
"""More thousandths than any accuracy: links without a scored forecast come after all others."""

_TARGETS = len(HORIZONS) + len(INTERVALS)
_BODY = np.dtype(
    [
        ("version", "u1"),
        ("weights", "<f8", (len(EXPERTS),)),
        ("outcomes", "<f8", (_TARGETS,)),
        ("hits", "<f8", (_TARGETS,)),
        ("expected", "<f8", (_TARGETS,)),
        ("below", "<f8", (_TARGETS,)),
        ("above", "<f8", (_TARGETS,)),
        ("scored", "<i8"),
        ("scored_hits", "<i8"),
    ]
)
"""As `pba.forecasting.link_record` packs a record."""

_FIELDS = ("weights", "outcomes", "hits", "expected", "below", "above", "scored", "scored_hits")


@dataclass(frozen=True, slots=True, eq=False)
class RecordTable:
    """Link records, a row each; fields as in `pba.forecasting.link_record.LinkRecord`.

    Parameters
    ----------
    weights
        In the order of `pba.forecasting.fixed_share.EXPERTS`, ``(link, expert)``.
    outcomes, hits, expected
        `pba.forecasting.calibration.Reliability`, ``(link, target)``: horizons, then intervals.
    below, above
        `pba.forecasting.stretch.Stretch`, ``(link, target)``.
    scored, scored_hits
        Forecasts one step ahead, ``(link,)``.
    """

    weights: Floats
    outcomes: Floats
    hits: Floats
    expected: Floats
    below: Floats
    above: Floats
    scored: NDArray[np.int64]
    scored_hits: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of links."""
        return len(self.scored)

    def accuracy_permille(self) -> NDArray[np.int64]:
        """Return the share in band in whole thousandths, `UNSCORED` where nothing is scored.

        >>> RecordTable.from_bytes(
        ...     [None, LinkRecord(scored=3, hits=2).to_bytes()]
        ... ).accuracy_permille()
        array([1001,  666])
        """
        permille = 1000 * self.scored_hits // np.maximum(self.scored, 1)
        return np.where(self.scored > 0, permille, UNSCORED)

    @classmethod
    def from_bytes(cls, bodies: Sequence[bytes | None]) -> Self:
        """Return the records that `to_bytes` packed; the empty record for None.

        >>> table = RecordTable.from_bytes([None, LinkRecord(scored=3, hits=2).to_bytes()])
        >>> table.scored.tolist(), table.weights[0].tolist()
        ([0, 3], [0.85, 0.05, 0.05, 0.05])
        """
        empty = LinkRecord().to_bytes()
        packed = [empty if body is None else current_body(body) for body in bodies]
        rows = np.frombuffer(b"".join(packed), _BODY)
        return cls(*(rows[name].copy() for name in _FIELDS))

    def to_bytes(self) -> list[bytes]:
        """Return the packed form of each record, as `LinkRecord.to_bytes`."""
        rows = np.empty(len(self), _BODY)
        rows["version"] = BODY_VERSION
        for name in _FIELDS:
            rows[name] = getattr(self, name)
        whole, size = rows.tobytes(), _BODY.itemsize
        return [whole[at : at + size] for at in range(0, len(whole), size)]

    def record(self, row: int) -> LinkRecord:
        """Return one link's record."""
        return LinkRecord.from_bytes(self.to_bytes()[row])

    def after(
        self,
        row: NDArray[np.int64],
        target: NDArray[np.int64],
        confidence: Floats,
        hit: NDArray[np.bool_],
        member_hits: NDArray[np.bool_],
        missed: NDArray[np.bool_],
    ) -> Self:
        """Return the records after outcomes, as `LinkRecord.after` of one after the other.

        Parameters
        ----------
        row
            The link of each outcome, not decreasing, ``(outcome,)``; a link's outcomes follow each
            other in the order in which they count.
        target, confidence, hit
            Shape ``(outcome,)``.
        member_hits
            Whether each expert was in band, or took no part, ``(outcome, expert)``.
        missed
            As `pba.forecasting.stretch.end_misses` returns it, ``(outcome, 2)``.
        """
        new = type(self)(*(getattr(self, name).copy() for name in _FIELDS))
        for which in _rounds(row):
            links = row[which]
            points = which[target[which] < len(HORIZONS)]
            of_points = row[points]
            new.weights[of_points] = update_weight_rows(new.weights[of_points], member_hits[points])
            place = links, target[which]
            for sums, value in (
                (new.outcomes, 1.0),
                (new.hits, hit[which]),
                (new.expected, confidence[which]),
            ):
                sums[place] = calibration.KEPT * sums[place] + value
            factors = np.stack([new.below[place], new.above[place]], axis=1)
            factors = stretch_rows(factors, target[which], missed[which])
            new.below[place], new.above[place] = factors.T
        first = target == 0
        new.scored[:] += np.bincount(row[first], minlength=len(self))
        new.scored_hits[:] += np.bincount(row[first & hit], minlength=len(self))
        return new


def _rounds(row: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the outcomes that are the first of their link, the second of it, and so on."""
    begins = np.flatnonzero(np.diff(row, prepend=-1))
    sizes = np.diff(begins, append=len(row))
    rank = np.arange(len(row)) - np.repeat(begins, sizes)
    order = np.argsort(rank, kind="stable")
    return np.split(order, np.cumsum(np.bincount(rank))[:-1]) if len(row) else []
