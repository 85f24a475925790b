"""Prometheus: the answer of ``/api/v1/query_range``, gauges of rates and counters of bytes."""

from typing import Any

import numpy as np

from pba.errors import InvalidTrace
from pba.telemetry.counters import counter_bits
from pba.telemetry.importers.counter_series import counter_measurements
from pba.telemetry.json_documents import documents, items, text
from pba.telemetry.measurements import Measurements, columns_of
from pba.telemetry.read_report import Fault, ReadReport
from pba.telemetry.trace_source import TraceSource
from pba.telemetry.units import mbps_factor
from pba.types import Floats

__all__ = ["PrometheusImporter"]

_NAME = "__name__"
_NOT_A_RATE = Fault(
    "the series",
    "it is of bytes or bits by its name",
    "Name its unit with --unit, as in --unit byte/s.",
)


class PrometheusImporter:
    """Reads each series as a link, named by its labels."""

    name = "prometheus"
    general = False

    def recognises(self, source: TraceSource) -> bool:
        """Return whether it is JSON with a result type and metrics."""
        head = source.head
        return head.lstrip().startswith("{") and '"resultType"' in head and '"metric"' in head

    def read(self, source: TraceSource, report: ReadReport) -> list[Measurements]:
        """Return the measurements of each series of bytes or bits."""
        series = [
            one
            for _, document in documents(source, report)
            for one in items(document, "data", "result")
            if isinstance(one, dict) and items(one, "values")
        ]
        names = {text(one, "metric", _NAME) for one in series}
        links = [_link(one, source, report, len(names) > 1) for one in series]
        measured = [link for link in links if link is not None]
        if not measured:
            raise InvalidTrace(
                f"{source.path} holds no series of a range with a rate: a name with bytes or bits, "
                "or --unit, as in --unit byte/s, says what the values are. Name the unit with "
                "`pba import --unit`, and ask Prometheus for query_range."
            )
        return measured


def _link(
    series: dict[str, Any], source: TraceSource, report: ReadReport, with_name: bool
) -> Measurements | None:
    metric = text(series, "metric", _NAME)
    labels = series.get("metric") if isinstance(series.get("metric"), dict) else {}
    link = _link_name(labels or {}, metric if with_name else "")
    times_s, values = _samples(series)
    bits = counter_bits(metric) if "rate" not in metric else None
    if bits:
        return counter_measurements(link, metric, times_s, values, bits, report)
    factor = _factor(metric, source.unit)
    if factor is None:
        report.add(_NOT_A_RATE, [(link or "the result", repr(metric) if metric else "nameless")])
        return None
    report.note(f"Values of {metric or 'the query'} are multiplied by {factor:g} to Mbps.")
    return Measurements(
        link,
        times_s,
        columns_of(len(values), bandwidth_mbps=values * factor),
        lambda row: f"{link or 'series'}, value {row + 1}",
    )


def _link_name(labels: dict[str, Any], metric: str) -> str:
    values = [str(labels[key]) for key in sorted(labels) if key not in (_NAME, "job")]
    return ":".join(value for value in (*values, metric) if value)


def _samples(series: dict[str, Any]) -> tuple[Floats, Floats]:
    """Return times and values; a value is text, and ``NaN`` is none."""
    pairs = [pair for pair in items(series, "values") if isinstance(pair, list) and len(pair) == 2]
    table = np.full((len(pairs), 2), np.nan)
    for row, pair in enumerate(pairs):
        for column, value in enumerate(pair):
            try:
                table[row, column] = float(value)
            except (TypeError, ValueError):
                continue
    return table[:, 0], table[:, 1]


def _factor(metric: str, unit: str) -> float | None:
    """Return the factor to Mbps, by what the user says or what the name says."""
    if unit:
        return mbps_factor(unit)
    if "bytes" in metric or "octets" in metric.lower():
        return 8e-6
    return 1e-6 if "bits" in metric else None
