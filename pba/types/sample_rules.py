"""The ranges of samples, checked for whole arrays at once; an error is one row's."""

import numpy as np
from numpy.typing import NDArray

from pba.errors import InvalidSample
from pba.types.arrays import Floats
from pba.types.sample import COLUMNS, LIMITS

__all__ = [
    "check_samples",
    "mask_ignored",
    "sample_error",
    "time_error",
    "wrong_rows",
]

_HIGHEST = np.array([limit.highest for limit in LIMITS.values()])
_YEAR_10000_S = 253_402_300_800.0
_UNITS = {"milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9}
_PLAUSIBLE_S = (946_684_800.0, 4_102_444_800.0)  # the years 2000 to 2099


def mask_ignored(telemetry: Floats) -> NDArray[np.int64]:
    """Set optional values out of range to NaN, in place; return how many in each row.

    A side value that cannot be says nothing about the bandwidth beside it.

    Parameters
    ----------
    telemetry
        Shape ``(sample, 5)``, columns as in `COLUMNS`; the bandwidth is left as it is.
    """
    wrong = _out_of_range(telemetry)
    wrong[:, 0] = False
    telemetry[wrong] = np.nan
    counts: NDArray[np.int64] = wrong.sum(axis=1)
    return counts


def wrong_rows(timestamps_s: Floats, telemetry: Floats) -> NDArray[np.bool_]:
    """Return which rows have a bandwidth or a time that is missing or out of range.

    Parameters
    ----------
    timestamps_s, telemetry
        As in a `pba.types.History`.
    """
    possible: NDArray[np.bool_] = _possible_rates(telemetry[:, 0]) & _possible_times(timestamps_s)
    return ~possible


def sample_error(timestamp_s: float, bandwidth_mbps: float) -> InvalidSample:
    """Return the error of one of `wrong_rows`; its field is the name of the value."""
    if not 0 <= bandwidth_mbps <= LIMITS["bandwidth_mbps"].highest:
        return _value_error("bandwidth_mbps", bandwidth_mbps)
    return time_error(timestamp_s)


def check_samples(timestamps_s: Floats, telemetry: Floats, name: str) -> None:
    """Check every sample against `LIMITS`; their order does not matter.

    Parameters
    ----------
    timestamps_s, telemetry
        As in a `pba.types.History`.
    name
        The caller's name of the list, for error messages.

    Raises
    ------
    InvalidSample
        For a time outside 1970 to 9999, a missing bandwidth, or a value out of its range.
    """
    wrong = _out_of_range(telemetry)
    wrong[:, 0] |= np.isnan(telemetry[:, 0])
    if wrong.any():
        row, column = (int(index) for index in np.argwhere(wrong)[0])
        error = _value_error(COLUMNS[column], float(telemetry[row, column]))
        raise error.inside(f"{name}[{row}]")
    possible = _possible_times(timestamps_s)
    if not possible.all():
        row = int(np.argmin(possible))
        raise time_error(float(timestamps_s[row])).inside(f"{name}[{row}]")


def time_error(timestamp_s: float) -> InvalidSample:
    """Return the error of a time that is not between 1970 and 9999.

    >>> print(time_error(1_772_366_400_000.0))
    timestamp is 1772366400000.000000; it is in Unix seconds, from 1970 to the year 9999. It looks
    like milliseconds: divide by 1000.
    """
    if timestamp_s != timestamp_s:
        return InvalidSample(
            "timestamp is nan or null; it is RFC 3339 text or a number of Unix seconds. Drop "
            "samples without a time.",
            "timestamp",
        )
    value = f"{timestamp_s:.6f}" if abs(timestamp_s) < 1e20 else f"{timestamp_s:.6g}"
    return InvalidSample(
        f"timestamp is {value}; it is in Unix seconds, from 1970 to the year 9999. "
        f"{_time_remedy(timestamp_s)}",
        "timestamp",
    )


def _time_remedy(timestamp_s: float) -> str:
    for unit, factor in _UNITS.items():
        if _PLAUSIBLE_S[0] <= timestamp_s / factor < _PLAUSIBLE_S[1]:
            return f"It looks like {unit}: divide by {factor:.0f}."
    return "Send seconds since 1970, or RFC 3339 text."


def _possible_times(timestamps_s: Floats) -> NDArray[np.bool_]:
    return (timestamps_s >= 0) & (timestamps_s < _YEAR_10000_S)


def _possible_rates(bandwidth_mbps: Floats) -> NDArray[np.bool_]:
    possible: NDArray[np.bool_] = (bandwidth_mbps >= 0) & (bandwidth_mbps <= _HIGHEST[0])
    return possible


def _out_of_range(telemetry: Floats) -> NDArray[np.bool_]:
    wrong: NDArray[np.bool_] = (telemetry < 0) | (telemetry > _HIGHEST)
    return wrong


def _value_error(column: str, value: float) -> InvalidSample:
    limit = LIMITS[column]
    if value != value:
        shown, remedy = "nan or null", "Drop the sample where nothing was measured."
    elif value > limit.highest:
        shown, remedy = f"{value:.6g}", limit.remedy
    else:
        shown, remedy = f"{value:.6g}", "Drop the sample, or leave the field out."
    return InvalidSample(f"{column} is {shown}; it is {limit.rule}. {remedy}", column)
