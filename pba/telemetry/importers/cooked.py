"""Cooked traces, of Pensieve and Oboe: seconds and Mbps in two columns without a header."""

import re

import numpy as np

from pba.telemetry.measurements import Measurements, columns_of
from pba.telemetry.read_report import Fault, ReadReport, shortened
from pba.telemetry.trace_source import TraceSource

__all__ = ["CookedImporter"]

_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_PAIR = re.compile(rf"\s*({_NUMBER})[ \t]+({_NUMBER})\s*")
_LOOKED_AT = 50
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
        report.note("The first column is read as seconds, the second as Mbps.")
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
        telemetry = columns_of(len(values), bandwidth_mbps=values[:, 1])
        return [Measurements("", values[:, 0], telemetry, lambda row: f"line {places[row]}")]
