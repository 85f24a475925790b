"""sysstat's ``sadf -d -- -n DEV``: rates of each network interface."""

from collections.abc import Iterator

import numpy as np

from pba.errors import InvalidTrace
from pba.telemetry.importers.rows import Row, measurements_of
from pba.telemetry.measurements import Measurements
from pba.telemetry.read_report import Fault, ReadReport, shortened
from pba.telemetry.timestamps import parse_time
from pba.telemetry.trace_source import TraceSource

__all__ = ["RATE_COLUMNS", "SadfImporter", "interface_rows"]

RATE_COLUMNS = {
    "rxkb/s": ("received", 1024 * 8e-6),
    "txkb/s": ("sent", 1024 * 8e-6),
    "rxbyt/s": ("received", 8e-6),
    "txbyt/s": ("sent", 8e-6),
}
"""Column → direction and factor to Mbps; sysstat's kilobytes have 1024 bytes."""

_CUT = Fault("the row", "it has as many cells as its header", "Remove the line.")


class SadfImporter:
    """Reads each interface as two links, one for each direction."""

    name = "sadf"
    general = False

    def recognises(self, source: TraceSource) -> bool:
        """Return whether a header between semicolons names interfaces and rates."""
        return any(_is_header(line) for line in source.head.splitlines())

    def read(self, source: TraceSource, report: ReadReport) -> list[Measurements]:
        """Return the measurements of each interface and direction."""
        report.note("Kilobytes of 1024 bytes a second are converted to Mbps.")
        links: dict[str, list[Row]] = {}
        local = False
        for header, cells in _records(source, report):
            at_s, without_zone = parse_time(cells[header.index("timestamp")])
            local |= without_zone
            for link, rate_mbps in interface_rows(header, cells):
                links.setdefault(link, []).append(Row(at_s, rate_mbps))
        if not links:
            raise InvalidTrace(
                f"{source.path} holds no rates of interfaces; they come from `sadf -d FILE -- -n "
                "DEV`. Write it again."
            )
        return [measurements_of(link, rows, local) for link, rows in links.items()]


def _is_header(line: str) -> bool:
    cells = line.lstrip("# ").lower().split(";")
    return {"timestamp", "iface"} <= set(cells) and not RATE_COLUMNS.keys().isdisjoint(cells)


def _records(source: TraceSource, report: ReadReport) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the header and the cells of each row with rates of interfaces."""
    header: list[str] = []
    for line_number, line in enumerate(source.text.split("\n"), 1):
        if line.startswith("#") or _is_header(line):
            header = line.lstrip("# ").lower().split(";") if _is_header(line) else []
        elif header and line.strip() and "LINUX-RESTART" not in line:
            cells = line.split(";")
            if len(cells) == len(header):
                yield header, cells
            elif "COM " not in line:
                report.add(_CUT, [(f"line {line_number}", repr(shortened(line)))])


def interface_rows(header: list[str], cells: list[str]) -> Iterator[tuple[str, float]]:
    """Yield the link and the rate in Mbps of each direction of an interface; NaN if missing."""
    interface = cells[header.index("iface")]
    for column, (direction, factor) in RATE_COLUMNS.items():
        if column in header:
            try:
                rate = float(cells[header.index(column)].replace(",", "."))
            except ValueError:
                rate = np.nan
            yield f"{interface}:{direction}", rate * factor
