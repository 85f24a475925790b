"""speedtest-cli (sivel): CSV with or without its header, and JSON."""

import csv
import re

import numpy as np

from pba.telemetry.delimited import read_table
from pba.telemetry.dialect import Dialect, sniff
from pba.telemetry.importers.rows import Row, measurements_of
from pba.telemetry.json_documents import documents, number, text
from pba.telemetry.measurements import Measurements, columns_of
from pba.telemetry.read_report import ReadReport
from pba.telemetry.timestamps import parse_time
from pba.telemetry.trace_source import TraceSource

__all__ = ["SpeedtestCliCsvImporter", "SpeedtestCliJsonImporter"]

_NAMES = ("Server ID", "Sponsor", "Server Name", "Timestamp", "Distance", "Ping", "Download",
          "Upload", "Share", "IP Address")  # fmt: skip
_LEAST = 8
_STAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d.*")
_NOTE = "Download and upload in bit/s are divided by 1e6."


class SpeedtestCliCsvImporter:
    """Reads each test as a sample of the links ``download`` and ``upload``."""

    name = "speedtest-cli-csv"
    general = False

    def recognises(self, source: TraceSource) -> bool:
        """Return whether there is the tool's header, or a row with a time in the fourth cell."""
        return _dialect(source) is not None

    def read(self, source: TraceSource, report: ReadReport) -> list[Measurements]:
        """Return both directions; the subscriber's address is not read."""
        dialect = _dialect(source)
        assert dialect is not None, "recognised before"
        report.note(_NOTE)
        index = {name: dialect.names.index(name) for name in _NAMES[3:_LEAST]}
        numbers = [index["Ping"], index["Download"], index["Upload"]]
        table = read_table(source, dialect, report, numbers, [index["Timestamp"]])
        times = table.times(index["Timestamp"])
        return [
            Measurements(
                direction.lower(),
                times.seconds,
                columns_of(
                    len(table),
                    bandwidth_mbps=table.numbers(index[direction]) / 1e6,
                    latency_ms=table.numbers(index["Ping"]),
                ),
                table.place,
                times.local,
                times_counted=True,
            )
            for direction in ("Download", "Upload")
        ]


def _dialect(source: TraceSource) -> Dialect | None:
    dialect = sniff(source.head, lambda name: name in _NAMES, required=_LEAST)
    if dialect is not None and set(_NAMES[:_LEAST]) <= set(dialect.names):
        return dialect
    for line in source.head.splitlines()[:20]:
        cells = next(csv.reader([line]), [])
        if _LEAST <= len(cells) <= len(_NAMES) and _is_result(cells):
            return Dialect(",", _NAMES[: len(cells)], -1)
    return None


def _is_result(cells: list[str]) -> bool:
    rates = cells[4:_LEAST]
    numeric = all(re.fullmatch(r"[\d.]+(?:e[+-]?\d+)?", cell) for cell in rates)
    return cells[0].isdecimal() and bool(_STAMP.fullmatch(cells[3])) and numeric


class SpeedtestCliJsonImporter:
    """Reads each result as a sample of the links ``download`` and ``upload``."""

    name = "speedtest-cli-json"
    general = False

    def recognises(self, source: TraceSource) -> bool:
        """Return whether a result has rates as plain numbers beside a server."""
        head = source.head
        plain = re.search(r'"download"\s*:\s*[\d.]', head)
        return bool(plain) and all(f'"{key}"' in head for key in ("upload", "ping", "server"))

    def read(self, source: TraceSource, report: ReadReport) -> list[Measurements]:
        """Return both directions; what is known of the client is not read."""
        report.note(_NOTE)
        rows: dict[str, list[Row]] = {"download": [], "upload": []}
        local = False
        for _, document in documents(source, report):
            at_s, without_zone = parse_time(text(document, "timestamp") or "")
            local |= without_zone
            latency_ms = number(document, "ping")
            for direction, of_direction in rows.items():
                rate_mbps = number(document, direction) / 1e6
                of_direction.append(Row(at_s, rate_mbps or np.nan, latency_ms=latency_ms))
        return [measurements_of(name, of_name, local) for name, of_name in rows.items()]
