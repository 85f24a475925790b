"""Traces from files of any format that `pba.telemetry.importers` reads. Missing stays missing."""

import logging
from dataclasses import dataclass
from pathlib import Path

from pba.errors import InvalidTrace
from pba.telemetry.importers.contract import importer_for
from pba.telemetry.measurements import clean
from pba.telemetry.read_report import ReadReport
from pba.telemetry.trace import Trace
from pba.telemetry.trace_source import open_source
from pba.types import NetworkMode, parse_mode

__all__ = ["Trace", "TraceFile", "read_sets", "read_trace_file", "read_traces"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class TraceFile:
    """What was read from a file.

    Parameters
    ----------
    traces
        The traces, in the order in which they begin; at least one.
    stem
        The name of a trace that has none in the file.
    format_name
        The format, as `pba.telemetry.importers` names it.
    report
        What was left out, ignored and converted.
    """

    traces: list[Trace]
    stem: str
    format_name: str
    report: ReadReport


def read_trace_file(
    path: str | Path,
    strict: bool = False,
    format_name: str = "auto",
    step_s: float = 1.0,
    unit: str = "",
) -> TraceFile:
    """Return the traces in a file, with what could not be used and what was converted.

    The format is recognised by content. A row that cannot be used is left out, another value that
    cannot be used is ignored; both are counted.

    Parameters
    ----------
    strict
        Whether the first such row or value is an error.
    format_name
        The format, if it is not to be recognised.
    step_s
        The step in seconds, for a format that records single deliveries.
    unit
        The unit of rates where the file names none, such as ``byte/s``.

    Raises
    ------
    InvalidTrace
        If the file does not exist, is of no known format, or holds no row that can be used; with
        ``strict``, for the first fault. The message names the file, the row and the remedy.
    """
    path = Path(path)
    report = ReadReport(path, strict)
    source = open_source(path, report, step_s, unit)
    importer = importer_for(source, format_name)
    measured = importer.read(source, report)
    cleaned = [clean(series, source.stem, report) for series in measured]
    traces = [trace for trace in cleaned if trace is not None]
    if not traces:
        raise InvalidTrace(
            f"{path} has no row that can be used: "
            + (report.first() or "it has 0 rows, and a trace at least one. Check what wrote it.")
        )
    return TraceFile(traces, source.stem, importer.name, report)


def read_traces(path: str | Path, strict: bool = False) -> list[Trace]:
    """Return the traces in a file, in the order in which they begin; log what is left out.

    In a plain table, columns ``bandwidth_mbps`` and either ``timestamp_s`` (seconds) or
    ``timestamp`` (RFC 3339, UTC where it names no zone, or Unix seconds) are required;
    ``trace_id``, ``split``, ``latency_ms``, ``packet_loss`` (0 to 1), ``jitter_ms`` and
    ``throughput_mbps`` are optional. A null stays missing: NaN, never 0.

    Raises
    ------
    InvalidTrace
        As `read_trace_file`.
    """
    return _logged(read_trace_file(path, strict)).traces


def read_sets(folder: str | Path, mode: str | NetworkMode) -> dict[str, list[Trace]]:
    """Return the traces of every file in ``<folder>/<mode>/`` under the file's stem.

    Hidden files, and those called README or LICENSE, are no traces.

    Raises
    ------
    InvalidTrace
        If there is no file, if two have the same stem, or for the reasons of `read_trace_file`.
    """
    mode_folder = Path(folder) / parse_mode(mode).value
    files = sorted(path for path in mode_folder.glob("*") if _is_data(path))
    if not files:
        raise InvalidTrace(
            f"{mode_folder} holds no trace files; traces lie in <folder>/<mode>/. Name the folder "
            "above."
        )
    sets: dict[str, list[Trace]] = {}
    for path in files:
        file = _logged(read_trace_file(path))
        if file.stem in sets:
            raise InvalidTrace(
                f"{mode_folder} holds {file.stem} twice; each set has a name of its own. Rename "
                f"{path.name}."
            )
        sets[file.stem] = file.traces
    return sets


def _is_data(path: Path) -> bool:
    about = path.name.startswith((".", "_")) or path.stem.upper() in ("README", "LICENSE")
    return path.is_file() and not about


def _logged(file: TraceFile) -> TraceFile:
    for line in file.report.lines():
        _log.warning("%s", line)
    return file
