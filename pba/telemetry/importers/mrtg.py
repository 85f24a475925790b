"""MRTG's log files: the newest first, means in bytes a second, coarser the older they are."""

import re

import numpy as np

from pba.telemetry.measurements import Measurements, columns_of
from pba.telemetry.read_report import Fault, ReadReport, shortened
from pba.telemetry.trace_source import TraceSource

__all__ = ["MrtgImporter"]

_FIRST = re.compile(r"\d{9,10} -?\d+ -?\d+")
_REST = re.compile(r"(\d{9,10}) (-?\d+) (-?\d+) (-?\d+) (-?\d+)")
_LOOKED_AT = 20
_NO_ROW = Fault("the line", "it is a time and four rates", "Remove the line.")
_FINEST = 1.5


class MrtgImporter:
    """Reads the means of the finest interval as the links ``in`` and ``out``."""

    name = "mrtg"
    general = False

    def recognises(self, source: TraceSource) -> bool:
        """Return whether a line of three numbers stands above lines of five."""
        first, *rest = [line.strip() for line in source.head.split("\n")[:-1] if line.strip()][
            :_LOOKED_AT
        ] or [""]
        return bool(_FIRST.fullmatch(first) and rest and all(map(_REST.fullmatch, rest)))

    def read(self, source: TraceSource, report: ReadReport) -> list[Measurements]:
        """Return the measurements of both directions, the oldest first."""
        rows, wrong = [], []
        for line_number, line in enumerate(source.text.split("\n"), 1):
            if match := _REST.fullmatch(line.strip()):
                rows.append([float(match[1]), float(match[2]), float(match[3])])
            elif line.strip() and line_number > 1:
                wrong.append((f"line {line_number}", repr(shortened(line))))
        report.add(_NO_ROW, wrong)
        table = np.array(rows).reshape(-1, 3)[::-1]
        table = table[np.unique(table[:, 0], return_index=True)[1]]
        finest = _finest(table[:, 0])
        report.note(
            f"Bytes a second are multiplied by 8e-6. {finest} of {len(table)} means are of longer "
            "intervals than the newest, and left out."
        )
        table = table[finest:]
        return [
            Measurements(
                direction,
                table[:, 0],
                columns_of(len(table), bandwidth_mbps=table[:, column] * 8e-6),
            )
            for direction, column in (("in", 1), ("out", 2))
        ]


def _finest(times_s: np.ndarray) -> int:
    """Return the index from which on all intervals are about as short as the newest ones."""
    intervals = np.diff(times_s)
    if not intervals.size:
        return 0
    longer = np.flatnonzero(intervals > _FINEST * np.median(intervals[-_LOOKED_AT:]))
    return int(longer[-1]) + 1 if longer.size else 0
