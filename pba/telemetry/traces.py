"""Readers of bandwidth traces in CSV or Parquet files. Missing values stay missing."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from pba.errors import InvalidInput, InvalidTrace
from pba.types import COLUMNS, Floats, History, NetworkMode, parse_mode

__all__ = ["Trace", "read_sets", "read_traces"]

_SPLITS = ("train", "val", "test", "")


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Measurements of one link, oldest first, with the checks of `pba.types.History`.

    Parameters
    ----------
    trace_id
        Its name in the file; the file's stem by default.
    split
        ``train``, ``val`` or ``test``; empty if the file has no splits.
    timestamps_s
        Unix seconds, or seconds from the trace's start, shape ``(sample,)``, strictly increasing.
    telemetry
        Physical units, shape ``(sample, 5)``, columns as in `pba.types.COLUMNS`, NaN where not
        measured.
    dropped
        The number of rows left out: those without a bandwidth, and those that repeat the timestamp
        of the row before.
    """

    trace_id: str
    split: str
    timestamps_s: Floats
    telemetry: Floats
    dropped: int = 0

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.timestamps_s)


def read_traces(path: str | Path) -> list[Trace]:
    """Return the traces in a file, in the order in which they begin.

    Columns: ``bandwidth_mbps`` and either ``timestamp_s`` (seconds) or ``timestamp`` (RFC 3339, UTC
    where it names no zone, or Unix seconds) are required; ``trace_id``, ``split``, ``latency_ms``,
    ``packet_loss`` (0 to 1), ``jitter_ms`` and ``throughput_mbps`` are optional; others are
    ignored. A null stays missing: NaN, never 0.

    Two kinds of rows are left out and counted in `Trace.dropped`: those without a bandwidth (the
    gap remains in the timestamps), and those with the timestamp of the row before. The first of
    these is kept, as in the service; Lumos5G has 31 such rows, because its clock has whole seconds.

    Parameters
    ----------
    path
        A file called ``*.csv`` or ``*.parquet``.

    Raises
    ------
    InvalidTrace
        If the file is missing, unreadable or empty, lacks a column, holds a value outside its
        range, names two splits for one trace, or if time runs backwards within a trace. Rows are
        counted from 1, the header left out.
    """
    path = Path(path)
    table = _table(path)
    times, telemetry = _times(table, path), _telemetry(table, path)
    names, splits = _text(table, "trace_id", path.stem), _text(table, "split", "")
    return [
        _trace(path, rows, name, splits[rows], times[rows], telemetry[rows])
        for name, rows in _groups(names)
    ]


def read_sets(folder: str | Path, mode: str | NetworkMode) -> dict[str, list[Trace]]:
    """Return the traces of every ``<folder>/<mode>/*.parquet`` under the file's stem.

    Raises
    ------
    InvalidTrace
        If there is no such file, or for the reasons of `read_traces`.
    """
    mode_folder = Path(folder) / parse_mode(mode).value
    files = sorted(mode_folder.glob("*.parquet"))
    if not files:
        raise InvalidTrace(
            f"{mode_folder} holds no *.parquet; traces lie in <folder>/<mode>/. Name the folder "
            "above."
        )
    return {file.stem: read_traces(file) for file in files}


def _table(path: Path) -> pa.Table:
    readers = {".csv": _read_csv, ".parquet": _read_parquet}
    if path.suffix not in readers:
        raise InvalidTrace(f"{path} is neither *.csv nor *.parquet. Rename or convert it.")
    if not path.is_file():
        raise InvalidTrace(f"{path} is not there; a trace is a file. Check the path.")
    try:
        table = readers[path.suffix](path)
    except (pa.ArrowException, OSError) as error:
        raise InvalidTrace(f"{path} cannot be read: {error}. Write it again.") from error
    if not table.num_rows:
        raise InvalidTrace(f"{path} has 0 rows; a trace has at least one. Check what wrote it.")
    return table


def _read_csv(path: Path) -> pa.Table:
    texts = dict.fromkeys(("timestamp", "trace_id", "split"), pa.string())
    types = dict.fromkeys(("timestamp_s", *COLUMNS), pa.float64()) | texts
    options = pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=True)
    return pyarrow.csv.read_csv(path, convert_options=options)


def _read_parquet(path: Path) -> pa.Table:
    known = ("timestamp_s", "timestamp", "trace_id", "split", *COLUMNS)
    present = set(pyarrow.parquet.read_schema(path).names)
    return pyarrow.parquet.read_table(path, columns=[name for name in known if name in present])


def _times(table: pa.Table, path: Path) -> Floats:
    """Return the seconds of each row, shape ``(row,)``."""
    name = "timestamp_s" if "timestamp_s" in table.column_names else "timestamp"
    column = _required(table, name, path)
    if pa.types.is_timestamp(column.type):
        return _cast(column.cast(pa.timestamp("us"), safe=False).cast(pa.int64()), name, path) / 1e6
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return _cast(column, name, path)
    try:
        return np.asarray(column.cast(pa.float64()))
    except pa.ArrowInvalid:
        return np.array([_seconds(text, row, path) for row, text in enumerate(column.to_pylist())])


def _seconds(text: str | None, row: int, path: Path) -> float:
    try:
        moment = dt.datetime.fromisoformat(text or "")
    except ValueError:
        raise InvalidTrace(
            f"{path}, row {row + 1}: timestamp is {text!r}; it is RFC 3339 or Unix seconds. Write "
            "it as 2026-03-01T12:00:00Z."
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()


def _telemetry(table: pa.Table, path: Path) -> Floats:
    """Return the five columns, shape ``(row, 5)``, NaN where null or absent."""
    _required(table, "bandwidth_mbps", path)
    columns = [
        _cast(table[name], name, path) if name in table.column_names
        else np.full(table.num_rows, np.nan)
        for name in COLUMNS
    ]  # fmt: skip
    return np.stack(columns, axis=1)


def _required(table: pa.Table, name: str, path: Path) -> pa.ChunkedArray:
    if name in table.column_names:
        return table[name]
    expected = "timestamp_s or timestamp" if name == "timestamp" else name
    raise InvalidTrace(
        f"{path} has no column {expected}; it has {', '.join(table.column_names)}. Rename or add "
        "it."
    )


def _cast(column: pa.ChunkedArray, name: str, path: Path) -> Floats:
    try:
        return np.asarray(column.cast(pa.float64()))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InvalidTrace(
            f"{path}: {name} is of type {column.type}; it is numbers. Write numbers or nulls."
        ) from None


def _text(table: pa.Table, name: str, default: str) -> np.ndarray:
    if name not in table.column_names:
        return np.full(table.num_rows, default)
    return np.array(pc.fill_null(table[name].cast(pa.string()), default).to_pylist())


def _groups(names: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each name and its rows in the file's order; traces may be interleaved."""
    unique, first, inverse = np.unique(names, return_index=True, return_inverse=True)
    rows = np.split(np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1])
    for group in np.argsort(first):
        yield str(unique[group]), rows[group]


def _trace(
    path: Path, rows: np.ndarray, name: str, splits: np.ndarray, times: Floats, telemetry: Floats
) -> Trace:
    where = f"{path}, trace {name!r}"
    backward = np.flatnonzero(~(np.diff(times) >= 0))
    if backward.size:
        early, late = backward[0], backward[0] + 1
        raise InvalidTrace(
            f"{where}: row {rows[early] + 1} is at {times[early]:.6f} s, row {rows[late] + 1} at "
            f"{times[late]:.6f} s; time never runs backwards. Sort the rows of each trace by time."
        )
    kept = np.flatnonzero(~np.isnan(telemetry[:, 0]))
    kept = kept[~(np.diff(times[kept], prepend=-np.inf) <= 0)]
    if not kept.size:
        raise InvalidTrace(
            f"{where}: no row has a bandwidth_mbps; a trace has at least one. Leave the trace out."
        )
    return _checked(
        where,
        rows[kept],
        Trace(name, _split(where, splits), times[kept], telemetry[kept], len(rows) - len(kept)),
    )


def _split(where: str, splits: np.ndarray) -> str:
    named = sorted(set(splits.tolist()))
    if len(named) > 1 or named[0] not in _SPLITS:
        raise InvalidTrace(
            f"{where}: split is {' and '.join(named)}; a whole trace is train, val or test. Mark "
            "each trace with one of them."
        )
    return str(named[0])


def _checked(where: str, rows: np.ndarray, trace: Trace) -> Trace:
    try:
        History(trace.timestamps_s, trace.telemetry)
    except InvalidInput as error:
        index = int((error.field or "[0]").split("[")[1].split("]")[0])
        raise InvalidTrace(f"{where}, row {rows[index] + 1}: {error}") from error
    return trace
