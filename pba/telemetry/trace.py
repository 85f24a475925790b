"""A trace: the measurements of one link, in the order of time."""

from dataclasses import dataclass

import numpy as np

from pba.types import Booleans, Floats, History

__all__ = ["SPLITS", "Trace"]

SPLITS = ("train", "val", "test", "")
"""The uses that a trace may be marked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Measurements of one link, oldest first, with the checks of `pba.types.History`.

    Parameters
    ----------
    trace_id
        Its name in the file; the file's stem by default.
    split
        ``train``, ``val`` or ``test``; empty if the file has no splits.
    timestamps_s
        Unix seconds, or seconds from the trace's start, shape ``(sample,)``, strictly increasing.
    telemetry
        Physical units, shape ``(sample, 5)``, columns as in `pba.types.COLUMNS`, NaN where not
        measured.
    dropped
        The number of its rows that were left out, for the reasons of `pba.telemetry.measurements`.
    during_transfer
        Which samples are marked so, ``(sample,)``; None if none is.
    """

    trace_id: str
    split: str
    timestamps_s: Floats
    telemetry: Floats
    dropped: int = 0
    during_transfer: Booleans | None = None

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.timestamps_s)

    @property
    def history(self) -> History:
        """The samples as a history."""
        return History(self.timestamps_s, self.telemetry, self.during_transfer)

    @property
    def marks(self) -> Booleans:
        """Which samples are marked ``during_transfer``, ``(sample,)``."""
        if self.during_transfer is None:
            return np.zeros(len(self), dtype=bool)
        return self.during_transfer
