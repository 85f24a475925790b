"""Which rows of a file were measured while a transfer ran, from the texts of a column."""

from collections.abc import Callable, Sequence

import numpy as np

from pba.telemetry.read_report import Fault, ReadReport
from pba.types import Booleans

__all__ = ["DURING_TRANSFER", "transfer_marks"]

DURING_TRANSFER = "during_transfer"
"""The name of the column."""

_TRUE = ("true", "t", "yes", "1", "1.0")
_FALSE = ("", "false", "f", "no", "0", "0.0")
_FAULT = Fault(
    DURING_TRANSFER,
    "it is true or false",
    "Leave it empty where no transfer ran.",
    keeps_row=True,
)


def transfer_marks(
    texts: Sequence[str] | np.ndarray | None, place: Callable[[int], str], report: ReadReport
) -> Booleans | None:
    """Return which rows are marked, ``(row,)``; None without the column, or if none is.

    What is neither true nor false is not marked, and counted.
    """
    if texts is None:
        return None
    words = [text.lower() for text in texts]
    wrong = [row for row, word in enumerate(words) if word not in (*_TRUE, *_FALSE)]
    report.add(_FAULT, ((place(row), repr(texts[row])) for row in wrong), len(wrong))
    marks = np.array([word in _TRUE for word in words], dtype=bool)
    return marks if marks.any() else None
