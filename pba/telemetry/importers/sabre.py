"""sabre's network traces: durations in ms and rates in kbit/s."""

import numpy as np

from pba.telemetry.json_documents import documents, number
from pba.telemetry.measurements import Measurements, columns_of
from pba.telemetry.read_report import ReadReport
from pba.telemetry.trace_source import TraceSource

__all__ = ["SabreImporter"]


class SabreImporter:
    """Reads each period as a sample at its end."""

    name = "sabre"
    general = False

    def recognises(self, source: TraceSource) -> bool:
        """Return whether it is JSON with durations and bandwidths."""
        start = source.head.lstrip().startswith("[")
        return start and '"duration_ms"' in source.head and '"bandwidth_kbps"' in source.head

    def read(self, source: TraceSource, report: ReadReport) -> list[Measurements]:
        """Return the measurements of the one link; times count from the start."""
        report.note("Durations are added up to times from the start; kbit/s are divided by 1000.")
        periods = [period for _, period in documents(source, report)]
        duration_ms, rate_kbps, latency_ms = (
            np.array([number(period, key) for period in periods])
            for key in ("duration_ms", "bandwidth_kbps", "latency_ms")
        )
        times_s = np.cumsum(np.nan_to_num(duration_ms)) / 1000
        telemetry = columns_of(len(periods), bandwidth_mbps=rate_kbps / 1000, latency_ms=latency_ms)
        return [Measurements("", times_s, telemetry, lambda row: f"period {row + 1}")]
