"""What planning reads from a history: its window, cleaned, and what is odd about it.

Of a large request most windows are regular, without gaps and without outliers. All of these are
read at once; the others, and few ones, one by one, with the same result.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pba.telemetry.outliers import CleanWindow, clean_window, outliers_possible
from pba.telemetry.spacing import regular_steps
from pba.telemetry.suspect_units import unit_suspected, units_possible
from pba.telemetry.windows import (
    GAP_INTERVALS,
    UNSTABLE_VOLATILITY,
    CurrentWindow,
    current_window,
    is_unstable,
    volatility,
)
from pba.types import History

__all__ = ["WindowReading", "read_window", "read_windows"]

_FEW = 4


@dataclass(frozen=True, slots=True, eq=False)
class WindowReading:
    """The window at the end of a history.

    Parameters
    ----------
    window
        As it was reported.
    cleaned
        Its telemetry without outliers.
    unstable
        Whether its rate is; see `pba.telemetry.windows.is_unstable`.
    unit_suspected
        Whether its rates are probably not in Mbps.
    """

    window: CurrentWindow
    cleaned: CleanWindow
    unstable: bool
    unit_suspected: bool


def read_window(
    history: History, longest: int, gap_intervals: float = GAP_INTERVALS
) -> WindowReading:
    """Return the reading of ``history``, at least two samples, for windows of up to ``longest``."""
    window = current_window(history, longest, gap_intervals)
    cleaned = clean_window(window.samples.telemetry)
    telemetry = cleaned.telemetry
    return WindowReading(window, cleaned, is_unstable(telemetry), unit_suspected(telemetry[:, 0]))


def read_windows(
    histories: Sequence[History], longest: int, gap_intervals: float = GAP_INTERVALS
) -> list[WindowReading]:
    """Return what `read_window` returns for each of ``histories``, in order."""
    whole = [row for row, history in enumerate(histories) if len(history) >= longest]
    if len(whole) < _FEW:
        return [read_window(history, longest, gap_intervals) for history in histories]
    recent = [histories[row].last(longest) for row in whole]
    usual = dict(zip(whole, _read_usual(recent, gap_intervals), strict=True))
    return [
        usual.get(row) or read_window(history, longest, gap_intervals)
        for row, history in enumerate(histories)
    ]


def _read_usual(recent: Sequence[History], gap_intervals: float) -> list[WindowReading | None]:
    """Return the readings of windows of one length; None for those that are to be looked at."""
    steps_s, regular = regular_steps(np.stack([one.timestamps_s for one in recent]), gap_intervals)
    telemetry = np.stack([one.telemetry for one in recent])
    rates = telemetry[:, :, 0]
    usual = regular & ~outliers_possible(telemetry) & ~units_possible(rates)
    unstable = volatility(rates) >= UNSTABLE_VOLATILITY
    columns = zip(recent, steps_s.tolist(), usual.tolist(), unstable.tolist(), strict=True)
    return [
        WindowReading(
            CurrentWindow(one, len(one), step_s, True),
            CleanWindow(one.telemetry, False, False),
            is_so,
            False,
        )
        if fits
        else None
        for one, step_s, fits, is_so in columns
    ]
