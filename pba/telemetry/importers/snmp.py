"""Tables of SNMP counters, or of other counters of bytes: a time, and octets since a start."""

import numpy as np

from pba.errors import InvalidTrace
from pba.telemetry.column_names import TIME, meaning
from pba.telemetry.counters import counter_bits
from pba.telemetry.delimited import read_table
from pba.telemetry.dialect import Dialect, sniff
from pba.telemetry.importers.counter_series import counter_measurements
from pba.telemetry.importers.grouping import groups
from pba.telemetry.measurements import Measurements
from pba.telemetry.read_report import ReadReport
from pba.telemetry.trace_source import TraceSource

__all__ = ["SnmpImporter"]

_LINKS = ("trace_id", "link", "link_id", "host", "device", "interface", "iface", "ifname",
          "ifdescr", "ifindex", "port", "instance")  # fmt: skip


class SnmpImporter:
    """Reads each counter of each interface as a link."""

    name = "snmp"
    general = False

    def recognises(self, source: TraceSource) -> bool:
        """Return whether a header has a time and a counter of octets, and no rate."""
        return _dialect(source) is not None

    def read(self, source: TraceSource, report: ReadReport) -> list[Measurements]:
        """Return the rates of each counter, by the columns that name links."""
        dialect = _dialect(source)
        if dialect is None:
            raise InvalidTrace(f"{source.path} has no column of a counter. Name it ifHCInOctets.")
        names = dialect.names
        counters = [index for index, name in enumerate(names) if counter_bits(name)]
        labels = [index for index, name in enumerate(names) if name.lower() in _LINKS]
        (time, *_) = (index for index, name in enumerate(names) if _is_time(name))
        table = read_table(source, dialect, report, counters, [time, *labels])
        times = table.times(time)
        links = np.array(
            [":".join(filter(None, row)) for row in zip(*map(table.texts, labels), strict=True)]
            if labels
            else [""] * len(table)
        )
        readings = {index: table.numbers(index) for index in counters}
        series = []
        for link, rows in groups(links):
            for index in counters:
                parts = (link, names[index] if len(counters) > 1 else "")
                name = ":".join(filter(None, parts))
                at_s, octets = times.seconds[rows], readings[index][rows]
                bits = _bits(names[index], octets)
                series.append(
                    counter_measurements(
                        name, names[index], at_s, octets, bits, report, times.local
                    )
                )
        return series


def _bits(name: str, readings: np.ndarray) -> int:
    """Return the width: a counter of 32 bits never exceeds it."""
    width = counter_bits(name) or 64
    return 64 if np.nanmax(readings, initial=0.0) >= 2.0**32 else width


def _is_time(name: str) -> bool:
    column = meaning(name)
    return column is not None and column.field == TIME


def _dialect(source: TraceSource) -> Dialect | None:
    dialect = sniff(source.head, lambda name: _is_time(name) or bool(counter_bits(name)))
    if dialect is None or not any(map(_is_time, dialect.names)):
        return None
    fields = {column.field for name in dialect.names if (column := meaning(name)) is not None}
    has_counter = any(counter_bits(name) for name in dialect.names)
    return dialect if has_counter and "bandwidth_mbps" not in fields else None
