"""What a format's reader returns, and its cleaning into traces: ranges, order, duplicates."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pba.telemetry.read_report import Fault, ReadReport
from pba.telemetry.trace import Trace
from pba.types import COLUMNS, LIMITS, Booleans, Floats, rfc3339_of

__all__ = ["Measurements", "clean", "columns_of"]

_YEAR_10000_S = 253_402_300_800.0
_DECIMALS = 6  # the store keeps microseconds
_SUSPECT_MBPS = 800_000.0
_DATED_S = 315_360_000.0  # later than any trace that counts from its start
_DROP = "Drop the sample, or leave the field out."
_NO_BANDWIDTH = Fault("bandwidth_mbps", "a sample has one", "Leave out samples that failed.")
_NO_DATE = Fault(
    "timestamp",
    "it is in Unix seconds, from 1970 to the year 9999",
    "Divide milliseconds by 1000.",
)
_SAME_TIME = Fault("the time", "a trace has one row a time; the first is kept", "Remove the rest.")
_BACKWARDS = Fault(
    "the time", "it increases within a trace", "Sort the rows of each trace by time."
)
_LOCAL_BACKWARDS = Fault(
    "the time",
    "it increases within a trace; these times name no zone, so clocks that were set back are the "
    "likely cause",
    "Write times in UTC or with an offset, as 2026-10-25T02:00:00+01:00.",
)


def _row(index: int) -> str:
    return f"row {index + 1}"


@dataclass(frozen=True, slots=True, eq=False)
class Measurements:
    """Measurements of one link as a file has them, in the file's order.

    Parameters
    ----------
    name
        The link's name in the file; empty if the file has only one.
    timestamps_s
        Unix seconds, or seconds from the start, shape ``(row,)``, NaN where unreadable.
    telemetry
        Shape ``(row, 5)``, columns and units as in `pba.types.COLUMNS`, NaN where not measured.
    place
        Returns where in the file a row is, for messages.
    local
        Whether times name no zone.
    split
        ``train``, ``val``, ``test`` or empty.
    times_counted
        Whether the reader has counted the rows whose time is NaN.
    during_transfer
        Which rows are marked so, shape ``(row,)``; None if none is.
    """

    name: str
    timestamps_s: Floats
    telemetry: Floats
    place: Callable[[int], str] = _row
    local: bool = False
    split: str = ""
    times_counted: bool = False
    during_transfer: Booleans | None = None


def columns_of(rows: int, **columns: Floats | Sequence[float]) -> Floats:
    """Return telemetry of ``rows`` rows from columns by name, NaN in the others.

    Examples
    --------
    >>> columns_of(1, bandwidth_mbps=[80.0], jitter_ms=[2.0])
    array([[80., nan, nan,  2., nan]])
    """
    telemetry = np.full((rows, len(COLUMNS)), np.nan)
    for name, values in columns.items():
        telemetry[:, COLUMNS.index(name)] = values
    return telemetry


def clean(measured: Measurements, stem: str, report: ReadReport) -> Trace | None:
    """Return the trace of what can be used, None if nothing can; count the rest.

    A row is left out without a bandwidth, with a bandwidth or a time out of range, at the time of
    a row before it (to the microsecond), or where time runs backwards: the most rows that increase
    are kept. Another value out of range becomes missing.
    """
    measured = replace(measured, timestamps_s=np.round(measured.timestamps_s, _DECIMALS))
    if measured.local:
        report.note("Times name no zone and are read as UTC.")
    telemetry = _optional_in_range(measured, report)
    dated = _has_date(measured, report)
    keep = np.flatnonzero(dated & _has_bandwidth(measured, dated, report))
    times = measured.timestamps_s[keep]
    if (np.diff(times) <= 0).all() and (np.diff(times) < 0).any():
        report.note("The newest row is first: the order of the rows is reversed.")
        keep, times = keep[::-1], times[::-1]
    keep = keep[_increasing(measured, keep, times, report)]
    if not keep.size:
        return None
    _note_suspect_unit(telemetry[keep, 0], report)
    return Trace(
        measured.name or stem,
        measured.split,
        measured.timestamps_s[keep],
        telemetry[keep],
        len(measured.timestamps_s) - len(keep),
        None if measured.during_transfer is None else measured.during_transfer[keep],
    )


def _optional_in_range(measured: Measurements, report: ReadReport) -> Floats:
    """Return the telemetry with NaN for optional values out of range, which are counted."""
    highest = np.array([limit.highest for limit in LIMITS.values()])
    wrong = (measured.telemetry < 0) | (measured.telemetry > highest)
    wrong[:, 0] = False
    if not wrong.any():
        return measured.telemetry
    for column in np.flatnonzero(wrong.any(axis=0)).tolist():
        rows = np.flatnonzero(wrong[:, column])
        _report_range(measured, report, rows, column)
    return np.where(wrong, np.nan, measured.telemetry)


def _report_range(
    measured: Measurements, report: ReadReport, rows: np.ndarray, column: int
) -> None:
    """Count values out of range, those too high apart from the negative ones."""
    name, limit = COLUMNS[column], LIMITS[COLUMNS[column]]
    values = measured.telemetry[:, column]
    high = values[rows] > limit.highest
    for which, remedy in ((rows[high], limit.remedy), (rows[~high], _DROP)):
        fault = Fault(name, f"it is {limit.rule}", remedy, keeps_row=column > 0)
        where = ((measured.place(row), f"{values[row]:.6g}") for row in which.tolist())
        report.add(fault, where, len(which))


def _has_bandwidth(measured: Measurements, dated: np.ndarray, report: ReadReport) -> np.ndarray:
    """Return whether each row has a bandwidth in range; count those of ``dated`` that have none."""
    rate_mbps = measured.telemetry[:, 0]
    missing = np.flatnonzero(np.isnan(rate_mbps) & dated)
    where = ((measured.place(row), "missing") for row in missing.tolist())
    report.add(_NO_BANDWIDTH, where, len(missing))
    wrong = np.flatnonzero(
        ((rate_mbps < 0) | (rate_mbps > LIMITS["bandwidth_mbps"].highest)) & dated
    )
    _report_range(measured, report, wrong, 0)
    return np.asarray((rate_mbps >= 0) & (rate_mbps <= LIMITS["bandwidth_mbps"].highest))


def _has_date(measured: Measurements, report: ReadReport) -> np.ndarray:
    times = measured.timestamps_s
    possible = (times >= 0) & (times < _YEAR_10000_S)
    wrong = np.flatnonzero(~possible & ~(measured.times_counted & np.isnan(times)))
    texts = (
        "missing" if np.isnan(seconds) else f"{seconds:.6f}" for seconds in times[wrong].tolist()
    )
    where = ((measured.place(row), text) for row, text in zip(wrong.tolist(), texts, strict=True))
    report.add(_NO_DATE, where, len(wrong))
    return possible


def _increasing(
    measured: Measurements, rows: np.ndarray, times: Floats, report: ReadReport
) -> np.ndarray:
    """Return the indices of the most rows whose ``times`` increase, and count the others."""
    steps = np.diff(times)
    if (steps > 0).all():
        return np.arange(len(times))
    kept = np.flatnonzero(np.diff(times, prepend=-np.inf) != 0)
    same = np.setdiff1d(np.arange(len(times)), kept)
    where = ((measured.place(row), f"{_text(measured, row)} again") for row in rows[same].tolist())
    report.add(_SAME_TIME, where, len(same))
    if (np.diff(times[kept]) > 0).all():
        return kept
    increasing: np.ndarray = kept[_longest_increasing(times[kept].tolist())]
    backwards = np.setdiff1d(kept, increasing)
    fault = _LOCAL_BACKWARDS if measured.local else _BACKWARDS
    where = (_out_of_order(measured, rows, increasing, row) for row in backwards.tolist())
    report.add(fault, where, len(backwards))
    return increasing


def _out_of_order(
    measured: Measurements, rows: np.ndarray, kept: np.ndarray, index: int
) -> tuple[str, str]:
    """Return the place of a row and its time, beside that of the kept row that it contradicts."""
    times = measured.timestamps_s[rows]
    next_kept = int(np.searchsorted(kept, index))
    after = next_kept > 0 and times[index] <= times[kept[next_kept - 1]]
    other = kept[next_kept - 1] if after else kept[next_kept]
    relation = "after" if after else "before"
    row = int(rows[index])
    return measured.place(row), (
        f"{_text(measured, row)} {relation} {_text(measured, int(rows[other]))}"
    )


def _text(measured: Measurements, row: int) -> str:
    seconds = float(measured.timestamps_s[row])
    if seconds < _DATED_S:
        return f"{seconds:.6f} s"
    return rfc3339_of(seconds).rstrip("Z" if measured.local else "")


def _longest_increasing(values: Sequence[float]) -> np.ndarray:
    """Return the indices of the longest strictly increasing part; of equal ones the first.

    By patience sorting (Fredman, 1975): O(n log n).

    >>> _longest_increasing([1.0, 2.0, 3.0, 2.0, 3.0, 4.0])
    array([0, 1, 2, 5])
    """
    tails: list[float] = []
    rows: list[int] = []
    previous: list[int] = []
    for row, value in enumerate(values):
        place = bisect_left(tails, value)
        previous.append(rows[place - 1] if place else -1)
        if place == len(tails):
            tails.append(value)
            rows.append(row)
        elif value < tails[place]:
            tails[place], rows[place] = value, row
    chain, row = [], rows[-1]
    while row >= 0:
        chain.append(row)
        row = previous[row]
    return np.array(chain[::-1])


def _note_suspect_unit(rate_mbps: Floats, report: ReadReport) -> None:
    median = float(np.median(rate_mbps))
    if median > _SUSPECT_MBPS:
        report.note(
            f"The median bandwidth is {median:.6g} Mbps, faster than any link: the unit is "
            "suspect. Divide bits per second by 1e6, kilobits per second by 1000."
        )
