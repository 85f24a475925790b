"""mahimahi's traces: one line, in ms, for each opportunity to deliver a packet of 1500 bytes."""

import re

import numpy as np

from pba.errors import InvalidTrace
from pba.telemetry.measurements import Measurements, columns_of
from pba.telemetry.read_report import Fault, ReadReport, shortened
from pba.telemetry.trace_source import TraceSource

__all__ = ["MahimahiImporter"]

_PACKET_BITS = 1500 * 8
_LOOKED_AT = 50
_LEAST = 5
_WHOLE_MS = re.compile(r"[0-9]{1,9}")  # up to eleven days
_MOST_STEPS = 10_000_000
_NOT_WHOLE = Fault("the line", "it is a whole number of ms below 1e9", "Remove the line.")


class MahimahiImporter:
    """Counts the packets of each step; a step without a line is one of 0 Mbps."""

    name = "mahimahi"
    general = False

    def recognises(self, source: TraceSource) -> bool:
        """Return whether each line is one whole number, none less than the one before."""
        lines = [line for line in source.head.split("\n")[:-1] if line.strip()][:_LOOKED_AT]
        if len(lines) < _LEAST or not all(_WHOLE_MS.fullmatch(line.strip()) for line in lines):
            return False
        values = [int(line) for line in lines]
        return values == sorted(values)

    def read(self, source: TraceSource, report: ReadReport) -> list[Measurements]:
        """Return the rate of each whole step; times count from the start to the step's end."""
        lines = [(n, line.strip()) for n, line in enumerate(source.text.split("\n"), 1)]
        wrong = [(n, line) for n, line in lines if line and not _WHOLE_MS.fullmatch(line)]
        report.add(_NOT_WHOLE, [(f"line {n}", repr(shortened(line))) for n, line in wrong])
        at_ms = np.array([float(line) for _, line in lines if _WHOLE_MS.fullmatch(line)])
        step_ms = source.step_s * 1000
        steps = int((at_ms.max() + 1) // step_ms)
        if not 1 <= steps <= _MOST_STEPS:
            raise InvalidTrace(
                f"{source.path} lasts {at_ms.max():.0f} ms, which is {steps} steps of "
                f"{source.step_s:g} s; there are 1 to 1e7. Choose another --step."
            )
        packets = np.bincount((at_ms // step_ms).astype(int), minlength=steps)[:steps]
        report.note(
            f"Deliveries of 1500 bytes are counted in steps of {source.step_s:g} s; a step without "
            "one has 0 Mbps, and a part of a step at the end is left out."
        )
        rate_mbps = packets * _PACKET_BITS / source.step_s / 1e6
        ends_s = np.arange(1, steps + 1) * source.step_s
        return [Measurements("", ends_s, columns_of(steps, bandwidth_mbps=rate_mbps))]
