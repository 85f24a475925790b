"""iperf3's ``-J`` and ``--json-stream``: TCP and UDP, several streams, reverse, both directions."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pba.errors import InvalidTrace
from pba.telemetry.importers.rows import Row, measurements_of
from pba.telemetry.json_documents import documents, items, number, text
from pba.telemetry.measurements import Measurements
from pba.telemetry.read_report import ReadReport
from pba.telemetry.trace_source import TraceSource

__all__ = ["Iperf3Importer"]

_KEYS = re.compile(
    r'"(?:test_start|connecting_to|accepted_connection|sum_sent|sum_received)"|"iperf 3\.'
    r'|"event"\s*:\s*"(?:start|interval)"\s*,\s*"data"'
)
_FORWARD, _BACKWARD = "sum", "sum_bidir_reverse"
_SHORTEST = 0.5


class Iperf3Importer:
    """Reads every interval of a test as a sample at the interval's end."""

    name = "iperf3"
    general = False

    def recognises(self, source: TraceSource) -> bool:
        """Return whether it is JSON with the names that iperf3 uses."""
        return source.head.lstrip().startswith("{") and bool(_KEYS.search(source.head))

    def read(self, source: TraceSource, report: ReadReport) -> list[Measurements]:
        """Return the measurements of each direction, several tests of a file one after another."""
        tests = list(_tests(source, report))
        report.note("Bits per second are divided by 1e6, rtt and rttvar in µs by 1000.")
        forward = [row for test in tests for row in _rows(test, _FORWARD, report)]
        backward = [row for test in tests for row in _rows(test, _BACKWARD, report)]
        series = [measurements_of("sent" if backward else "", forward)]
        if backward:
            series.append(measurements_of("received", backward))
        if not forward:
            errors = "; ".join(text(test, "error") for test in tests if text(test, "error"))
            reason = f"iperf3 reports {errors!r}" if errors else "the test has no interval"
            raise InvalidTrace(f"{source.path}: {reason}. Run the test again.")
        return series


def _tests(source: TraceSource, report: ReadReport) -> Iterator[dict[str, Any]]:
    """Yield each test with ``start``, ``intervals`` and ``error``; a stream is put together."""
    stream: dict[str, Any] = {}
    for _, document in documents(source, report):
        event = text(document, "event")
        if not event:
            yield _where_received(document)
            continue
        if event == "start" and stream:
            yield stream
            stream = {}
        stream.setdefault("intervals", [])
        if event == "interval":
            stream["intervals"].append(document.get("data"))
        else:
            stream[event] = document.get("data")
    if stream:
        yield _where_received(stream)


def _where_received(test: dict[str, Any]) -> dict[str, Any]:
    """Return the server's view of a UDP test if the client has it: only there is loss seen."""
    server = test.get("server_output_json")
    udp = text(test, "start", "test_start", "protocol") == "UDP"
    reverse = number(test, "start", "test_start", "reverse") == 1
    if udp and not reverse and items(server, "intervals"):
        return {**test, "intervals": items(server, "intervals")}
    return test


def _rows(test: dict[str, Any], key: str, report: ReadReport) -> list[Row]:
    start_s = number(test, "start", "timestamp", "timesecs")
    if np.isnan(start_s):
        report.note("The start is not recorded: times count from it.")
        start_s = 0.0
    totals = [(_total(interval, key), interval) for interval in items(test, "intervals")]
    omitted = [total for total, _ in totals if total.get("omitted") is True]
    measured = [pair for pair in totals if pair[0] and pair[0].get("omitted") is not True]
    if omitted:
        report.note("The intervals that -O omits are left out.")
        start_s += _restart(omitted, [total for total, _ in measured])
    seconds = [number(total, "seconds") for total, _ in measured]
    if seconds and seconds[-1] < _SHORTEST * float(np.median(seconds)):
        report.note("The last interval is shorter than half of the others and is left out.")
        measured = measured[:-1]
    if text(test, "start", "test_start", "protocol") == "UDP" and any(
        total.get("sender") is True for total, _ in measured
    ):
        report.note(
            "UDP was measured where it was sent: the rate is the offered one, and there is no "
            "loss. The receiver's output, or --get-server-output of a server with -J, has both."
        )
    return [_row(start_s, total, _streams(interval, total)) for total, interval in measured]


def _restart(omitted: Sequence[dict[str, Any]], measured: Sequence[dict[str, Any]]) -> float:
    """Return how long the omitted intervals were, if the clock starts again after them."""
    end = number(omitted[-1], "end")
    return end if measured and number(measured[0], "end") <= end else 0.0


def _total(interval: Any, key: str) -> dict[str, Any]:
    """Return the sum over the streams of one direction; empty if there is none."""
    total = interval.get(key) if isinstance(interval, dict) else None
    if isinstance(total, dict) or key == _BACKWARD:
        return total if isinstance(total, dict) else {}
    streams = [stream for stream in items(interval, "streams") if isinstance(stream, dict)]
    rate = sum(number(stream, "bits_per_second") for stream in streams)
    return {**streams[0], "bits_per_second": rate} if streams else {}


def _streams(interval: Any, total: dict[str, Any]) -> list[Any]:
    streams = [one for one in items(interval, "streams") if isinstance(one, dict)]
    same = [one for one in streams if one.get("sender") == total.get("sender")]
    return same or streams


def _row(start_s: float, total: dict[str, Any], streams: Sequence[Any]) -> Row:
    rtt = [value for value in (number(one, "rtt") for one in streams) if value > 0]
    spread = [value for value in (number(one, "rttvar") for one in streams) if value > 0]
    jitter_ms = number(total, "jitter_ms")
    if np.isnan(jitter_ms) and spread:
        jitter_ms = float(np.mean(spread)) / 1000
    return Row(
        start_s + number(total, "end"),
        number(total, "bits_per_second") / 1e6,
        latency_ms=float(np.mean(rtt)) / 1000 if rtt else np.nan,
        packet_loss=number(total, "lost_percent") / 100,
        jitter_ms=jitter_ms,
    )
