"""Ookla's Speedtest CLI: JSON (one result or one a line) and CSV with a column of times."""

import numpy as np

from pba.errors import InvalidTrace
from pba.telemetry.column_names import TIME, meaning
from pba.telemetry.delimited import read_table
from pba.telemetry.dialect import Dialect, sniff
from pba.telemetry.importers.rows import Row, measurements_of
from pba.telemetry.json_documents import documents, number, text
from pba.telemetry.measurements import Measurements, columns_of
from pba.telemetry.read_report import Fault, ReadReport
from pba.telemetry.timestamps import parse_time
from pba.telemetry.trace_source import TraceSource

__all__ = ["OoklaCsvImporter", "OoklaJsonImporter"]

_COLUMNS = ("server name", "server id", "latency", "idle latency", "jitter", "idle jitter",
            "packet loss", "download", "upload", "download bytes", "upload bytes")  # fmt: skip
_LEAST = 5
_FAILED = Fault("the test", "a result has rates", "Nothing is to be done: the test failed.")
_NOTE = "download and upload in byte/s are multiplied by 8e-6, packet loss in % by 0.01."


class OoklaJsonImporter:
    """Reads each result as a sample of the links ``download`` and ``upload``."""

    name = "ookla-json"
    general = False

    def recognises(self, source: TraceSource) -> bool:
        """Return whether a result names the bandwidth of a download and a ping."""
        head = source.head
        return all(f'"{key}"' in head for key in ("ping", "download", "bandwidth", "timestamp"))

    def read(self, source: TraceSource, report: ReadReport) -> list[Measurements]:
        """Return both directions; addresses and the result's URL are not read."""
        report.note(_NOTE)
        rows: dict[str, list[Row]] = {"download": [], "upload": []}
        for place, document in documents(source, report):
            kind = text(document, "type") or "result"
            if kind == "log":
                report.add(_FAILED, [(place, repr(text(document, "message")))])
            if kind != "result":
                continue
            at_s, _ = parse_time(text(document, "timestamp"))
            for direction, of_direction in rows.items():
                of_direction.append(
                    Row(
                        at_s,
                        number(document, direction, "bandwidth") * 8e-6,
                        latency_ms=number(document, "ping", "latency"),
                        packet_loss=number(document, "packetLoss") / 100,
                        jitter_ms=number(document, "ping", "jitter"),
                    )
                )
        return [
            measurements_of(direction, of_direction) for direction, of_direction in rows.items()
        ]


class OoklaCsvImporter:
    """Reads a table of results, before which someone wrote the time: the tool itself does not."""

    name = "ookla-csv"
    general = False

    def recognises(self, source: TraceSource) -> bool:
        """Return whether a header has the tool's names."""
        return _dialect(source) is not None

    def read(self, source: TraceSource, report: ReadReport) -> list[Measurements]:
        """Return both directions; the result's URL is not read."""
        dialect = _dialect(source)
        names = [name.lower() for name in dialect.names] if dialect else []
        time = next((i for i, name in enumerate(names) if _is_time(name)), None)
        if dialect is None or time is None:
            raise InvalidTrace(
                f"{source.path} has no column of times; Ookla's CSV has none by itself. Write the "
                "time before each row, under timestamp, or use --format=json."
            )
        report.note(_NOTE)
        columns = {
            field: next((names.index(name) for name in choices if name in names), None)
            for field, choices in {
                "latency_ms": ("idle latency", "latency"),
                "jitter_ms": ("idle jitter", "jitter"),
                "packet_loss": ("packet loss",),
                "download": ("download", "download (bytes)"),
                "upload": ("upload", "upload (bytes)"),
            }.items()
        }
        present = {field: index for field, index in columns.items() if index is not None}
        table = read_table(source, dialect, report, [*present.values()], [time])
        values = {field: table.numbers(index) for field, index in present.items()}
        values["packet_loss"] = values.get("packet_loss", np.full(len(table), np.nan)) / 100
        times = table.times(time)
        path = {name: values[name] for name in values if name not in ("download", "upload")}
        return [
            Measurements(
                direction,
                times.seconds,
                columns_of(len(table), bandwidth_mbps=values[direction] * 8e-6, **path),
                table.place,
                times.local,
                times_counted=True,
            )
            for direction in ("download", "upload")
            if direction in values
        ]


def _dialect(source: TraceSource) -> Dialect | None:
    dialect = sniff(source.head, lambda name: name.lower() in _COLUMNS, required=_LEAST)
    names = [name.lower() for name in dialect.names] if dialect else []
    return dialect if "packet loss" in names and "download bytes" in names else None


def _is_time(name: str) -> bool:
    column = meaning(name)
    return column is not None and column.field == TIME
