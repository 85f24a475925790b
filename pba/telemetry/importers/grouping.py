"""The rows of several links in one file, taken apart."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from pba.errors import InvalidTrace
from pba.telemetry.measurements import Measurements
from pba.telemetry.timestamps import Times
from pba.telemetry.trace import SPLITS
from pba.types import Booleans, Floats

__all__ = ["groups", "series_of"]


def groups(names: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each name and its rows in the file's order; links may be interleaved."""
    unique, first, inverse = np.unique(names.astype(str), return_index=True, return_inverse=True)
    rows = np.split(np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1])
    for group in np.argsort(first):
        yield str(unique[group]), rows[group]


def series_of(
    path: Path,
    names: np.ndarray | None,
    splits: np.ndarray | None,
    times: Times,
    telemetry: Floats,
    place: Callable[[int], str],
    during_transfer: Booleans | None = None,
    counted: bool = True,
) -> list[Measurements]:
    """Return the measurements of each name.

    Parameters
    ----------
    names, splits
        The name of each row's link and its split, shape ``(row,)``; None for one link.
    during_transfer
        Which rows are marked so, ``(row,)``; None if none is.
    counted
        Whether rows with a time of NaN have been counted, as `pba.telemetry.delimited.Table` does.

    Raises
    ------
    InvalidTrace
        If a link has two splits, or one that does not exist.
    """
    if names is None and splits is None:
        return [
            Measurements(
                "", times.seconds, telemetry, place, times.local, "", counted, during_transfer
            )
        ]
    if names is None:
        names = np.full(len(telemetry), "")
    series = []
    for name, rows in groups(names):
        split = "" if splits is None else _split(f"{path}, trace {name!r}", splits[rows])
        series.append(
            Measurements(
                name,
                times.seconds[rows],
                telemetry[rows],
                _within(place, rows),
                times.local,
                split,
                counted,
                None if during_transfer is None else during_transfer[rows],
            )
        )
    return series


def _within(place: Callable[[int], str], rows: np.ndarray) -> Callable[[int], str]:
    return lambda row: place(int(rows[row]))


def _split(where: str, splits: np.ndarray) -> str:
    named = sorted(set(splits.tolist()))
    if len(named) > 1 or named[0] not in SPLITS:
        raise InvalidTrace(
            f"{where}: split is {' and '.join(named)}; a whole trace is train, val or test. Mark "
            "each trace with one of them."
        )
    return str(named[0])
