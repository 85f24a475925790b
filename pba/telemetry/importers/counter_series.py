"""Links from readings of counters, for the formats that record counters."""

import numpy as np

from pba.telemetry.counters import counter_rates, note_counters
from pba.telemetry.measurements import Measurements, columns_of
from pba.telemetry.read_report import ReadReport
from pba.types import Floats

__all__ = ["counter_measurements"]


def counter_measurements(
    name: str,
    counter: str,
    timestamps_s: Floats,
    octets: Floats,
    bits: int,
    report: ReadReport,
    local: bool = False,
) -> Measurements:
    """Return the rates of a counter of bytes; intervals without a rate have no row.

    Parameters
    ----------
    name
        The link's name.
    counter
        The counter's name, for the note.
    timestamps_s, octets
        Shape ``(reading,)``.
    bits
        The width of the counter.
    """
    order = np.argsort(timestamps_s, kind="stable")
    times = timestamps_s[order]
    rates = counter_rates(times, octets[order], bits)
    note_counters(counter, rates, report)
    known = np.flatnonzero(~np.isnan(rates.per_s))
    telemetry = columns_of(len(known), bandwidth_mbps=rates.per_s[known] * 8e-6)
    return Measurements(
        name, times[known], telemetry, lambda row: f"reading {order[known[row]] + 1}", local
    )
