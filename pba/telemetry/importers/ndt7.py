"""M-Lab's NDT7 results: what the server measured about every 100 ms."""

from typing import Any

import numpy as np

from pba.errors import InvalidTrace
from pba.telemetry.importers.rows import Row, measurements_of
from pba.telemetry.json_documents import documents, items, number, text
from pba.telemetry.measurements import Measurements
from pba.telemetry.read_report import ReadReport
from pba.telemetry.timestamps import parse_time
from pba.telemetry.trace_source import TraceSource

__all__ = ["Ndt7Importer"]

_BYTES = {"Download": "BytesAcked", "Upload": "BytesReceived"}


class Ndt7Importer:
    """Reads the differences of the bytes that the server counts as samples."""

    name = "ndt7"
    general = False

    def recognises(self, source: TraceSource) -> bool:
        """Return whether it is JSON with the server's measurements."""
        return source.head.lstrip().startswith("{") and '"ServerMeasurements"' in source.head

    def read(self, source: TraceSource, report: ReadReport) -> list[Measurements]:
        """Return the measurements of each direction; addresses are not read."""
        report.note(
            "Cumulative bytes and µs are differenced to Mbps; RTT and RTTVar in µs are divided by "
            "1000."
        )
        rows: dict[str, list[Row]] = {}
        for _, document in documents(source, report):
            for direction in _BYTES:
                if isinstance(document.get(direction), dict):
                    of_direction = _rows(document[direction], direction, report)
                    rows.setdefault(direction.lower(), []).extend(of_direction)
        if not any(rows.values()):
            raise InvalidTrace(
                f"{source.path}: the server measured nothing; the test was ended early. Leave it "
                "out."
            )
        return [measurements_of(name, of_name) for name, of_name in rows.items() if of_name]


def _rows(test: dict[str, Any], direction: str, report: ReadReport) -> list[Row]:
    start_s, _ = parse_time(text(test, "StartTime"))
    rows, limited = [], 0
    last_bytes, last_us = 0.0, 0.0
    measured = items(test, "ServerMeasurements")
    for entry in measured:
        count, elapsed_us = number(entry, "TCPInfo", _BYTES[direction]), _elapsed_us(entry)
        if np.isnan(count):
            count = number(entry, "AppInfo", "NumBytes")
        if not elapsed_us > last_us or not count >= last_bytes:
            continue
        limited += number(entry, "TCPInfo", "AppLimited") > 0
        rtt_us, spread_us = number(entry, "TCPInfo", "RTT"), number(entry, "TCPInfo", "RTTVar")
        rate_mbps = (count - last_bytes) * 8 / (elapsed_us - last_us)
        rows.append(
            Row(
                start_s + elapsed_us / 1e6,
                rate_mbps,
                latency_ms=rtt_us / 1000 if rtt_us > 0 else np.nan,
                jitter_ms=spread_us / 1000 if rtt_us > 0 else np.nan,
            )
        )
        last_bytes, last_us = count, elapsed_us
    if direction == "Download" and limited:
        report.note(
            f"In {limited} of {len(measured)} measurements the sender had too little to send "
            "(AppLimited): their rate is the sender's, not the link's."
        )
    return rows


def _elapsed_us(entry: Any) -> float:
    elapsed = [number(entry, part, "ElapsedTime") for part in ("TCPInfo", "AppInfo")]
    return next((value for value in elapsed if not np.isnan(value)), np.nan)
