"""Counters of bytes, differenced into rates."""

import re
from dataclasses import dataclass

import numpy as np

from pba.telemetry.read_report import ReadReport
from pba.types import Floats

__all__ = ["CounterRates", "counter_bits", "counter_rates", "note_counters"]

_COUNTER = re.compile(
    r"(?:if)?(?:hc)?(?:in|out)_?octets|bytes_?(?:recv|received|sent|in|out)(?:_total)?"
    r"|(?:.*_)?(?:rx|tx|in|out|receive|received|transmit|transmitted|recv|sent)_?bytes(?:_total)?"
    r"|.*(?:bytes|octets)_total",
    re.IGNORECASE,
)
_NARROW = re.compile(r"if(?:in|out)octets", re.IGNORECASE)
_HIGHEST_RATIO = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class CounterRates:
    """The rates between the readings of a counter.

    Parameters
    ----------
    per_s
        Mean increase a second up to each reading, shape ``(reading,)``; NaN for the first, and
        where it cannot be known.
    resets, wraps, glitches
        How often the counter started again, passed its highest value, or was read too low once.
    """

    per_s: Floats
    resets: int
    wraps: int
    glitches: int


def counter_bits(name: str) -> int | None:
    """Return the width of a counter of bytes with such a name; None if it is no such name.

    >>> counter_bits("ifInOctets"), counter_bits("ifHCInOctets"), counter_bits("bytes_recv")
    (32, 64, 64)
    >>> counter_bits("bandwidth_mbps") is None
    True
    """
    if not _COUNTER.fullmatch(name):
        return None
    return 32 if _NARROW.fullmatch(name) else 64


def counter_rates(timestamps_s: Floats, readings: Floats, bits: int = 64) -> CounterRates:
    """Return the rates of a counter, without the absurd ones of resets and wraps.

    A single reading below the one before, followed by one above it, is a glitch: it is skipped. A
    fall is a wrap if the rate it means is at most twice the highest rate elsewhere; otherwise it is
    a reset, and the interval has no rate.

    Parameters
    ----------
    timestamps_s, readings
        Shape ``(reading,)``, in the order of time; NaN readings are skipped.
    bits
        The width of the counter.

    Examples
    --------
    >>> times = np.arange(5) * 10.0
    >>> counter_rates(times, np.array([2.0**32 - 200, 2.0**32 - 100, 0.0, 100.0, 50.0]), 32)
    CounterRates(per_s=array([nan, 10., 10., 10., nan]), resets=1, wraps=1, glitches=0)
    """
    per_s = np.full(len(readings), np.nan)
    rows = np.flatnonzero(np.isfinite(readings) & np.isfinite(timestamps_s))
    low = _glitches(readings[rows])
    rows = np.delete(rows, low)
    seconds, increase = np.diff(timestamps_s[rows]), np.diff(readings[rows])
    usable = seconds > 0
    rates = np.divide(increase, seconds, out=np.full(len(seconds), np.nan), where=usable)
    plain = rates[usable & (increase >= 0)]
    highest = _HIGHEST_RATIO * plain.max() if plain.size else 0.0
    wrapped = np.divide(increase + 2.0**bits, seconds, out=rates.copy(), where=usable)
    fell = usable & (increase < 0)
    wraps = fell & (wrapped >= 0) & (wrapped <= highest)
    per_s[rows[1:]] = np.where(fell, np.where(wraps, wrapped, np.nan), rates)
    return CounterRates(per_s, int((fell & ~wraps).sum()), int(wraps.sum()), len(low))


def _glitches(readings: Floats) -> np.ndarray:
    """Return the indices of single readings that are too low."""
    if len(readings) < 3:
        return np.empty(0, dtype=int)
    before, at, after = readings[:-2], readings[1:-1], readings[2:]
    return np.flatnonzero((at < before) & (after >= before)) + 1


def note_counters(name: str, rates: CounterRates, report: ReadReport) -> None:
    """Note in ``report`` that a counter was differenced, and what was met."""
    report.note(
        f"{name} is a counter: the rates are its differences, in Mbps "
        f"({rates.wraps} wraps, {rates.resets} resets and {rates.glitches} single low readings "
        "give no absurd rate)."
    )
