"""Cooked traces in two columns without a header: Pensieve's in s and Mbps, Oboe's in ms and kbit/s.

Their sizes tell them apart: in Oboe's, neighbours are hundreds of ms apart, and rates are hundreds
to thousands of kbit/s.
"""

import re

import numpy as np

from pba.telemetry.measurements import Measurements, columns_of
from pba.telemetry.read_report import Fault, ReadReport, shortened
from pba.telemetry.trace_source import TraceSource
from pba.types import Floats

__all__ = ["CookedImporter"]

_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_PAIR = re.compile(rf"\s*({_NUMBER})[ \t]+({_NUMBER})\s*")
_LOOKED_AT = 50
_LEAST_STEP_MS, _LEAST_RATE_KBPS = 50.0, 100.0
_NO_PAIR = Fault("the line", "it is a time in seconds and a rate in Mbps", "Remove the line.")


class CookedImporter:
    """Reads a sample a line; a rate is that of the time up to it."""

    name = "cooked"
    general = False

    def recognises(self, source: TraceSource) -> bool:
        """Return whether each of the first lines is two numbers apart by blanks."""
        lines = [line for line in source.head.split("\n")[:-1] if line.strip()][:_LOOKED_AT]
        return len(lines) > 1 and all(_PAIR.fullmatch(line) for line in lines)

    def read(self, source: TraceSource, report: ReadReport) -> list[Measurements]:
        """Return the measurements of the one link."""
        pairs, places, wrong = [], [], []
        for line_number, line in enumerate(source.text.split("\n"), 1):
            match = _PAIR.fullmatch(line)
            if match:
                pairs.append((float(match[1]), float(match[2])))
                places.append(line_number)
            elif line.strip():
                wrong.append((f"line {line_number}", repr(shortened(line))))
        report.add(_NO_PAIR, wrong)
        values = np.array(pairs).reshape(-1, 2)
        thousandth = _is_ms_and_kbps(values)
        units = "ms, the second as kbit/s" if thousandth else "seconds, the second as Mbps"
        report.note(f"The first column is read as {units}.")
        values = values / 1000 if thousandth else values
        telemetry = columns_of(len(values), bandwidth_mbps=values[:, 1])
        return [Measurements("", values[:, 0], telemetry, lambda row: f"line {places[row]}")]


def _is_ms_and_kbps(values: Floats) -> bool:
    """Return whether steps are too long for seconds, and rates too high for cooked Mbps."""
    if len(values) < 2:
        return False
    step, rate = np.median(np.diff(values[:, 0])), np.median(values[:, 1])
    return bool(step >= _LEAST_STEP_MS and rate >= _LEAST_RATE_KBPS)
