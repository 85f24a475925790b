"""Traces written as a file that every command reads."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from pba.errors import InvalidTrace
from pba.telemetry.trace import Trace
from pba.telemetry.transfer_marks import DURING_TRANSFER
from pba.types import COLUMNS

__all__ = ["check_ending", "write_traces"]

_WRITERS: dict[str, Callable[[pa.Table, Path], None]] = {
    ".csv": pyarrow.csv.write_csv,
    ".parquet": pyarrow.parquet.write_table,
}


def check_ending(path: Path) -> None:
    """Check that traces can be written into ``path``, by its ending.

    Raises
    ------
    InvalidTrace
        If the file is called neither ``*.csv`` nor ``*.parquet``.
    """
    if path.suffix.lower() not in _WRITERS:
        raise InvalidTrace(f"{path} is neither *.csv nor *.parquet. Choose one of these endings.")


def write_traces(path: Path, traces: Sequence[Trace]) -> None:
    """Write ``traces``; columns that say nothing, of the names, the splits or marks, are left out.

    A single trace that is called as the file has no ``trace_id``, since reading gives it that name.

    Raises
    ------
    InvalidTrace
        As `check_ending`.
    """
    check_ending(path)
    counts = [len(trace) for trace in traces]
    columns = {}
    if [trace.trace_id for trace in traces] != [path.stem]:
        columns["trace_id"] = np.repeat([trace.trace_id for trace in traces], counts).tolist()
    if any(trace.split for trace in traces):
        columns["split"] = np.repeat([trace.split for trace in traces], counts).tolist()
    times = np.concatenate([trace.timestamps_s for trace in traces])
    telemetry = np.concatenate([trace.telemetry for trace in traces])
    values = {
        name: pa.array(column, from_pandas=True)
        for name, column in zip(COLUMNS, telemetry.T, strict=True)
    }
    if any(trace.during_transfer is not None for trace in traces):
        values[DURING_TRANSFER] = pa.array(np.concatenate([trace.marks for trace in traces]))
    _WRITERS[path.suffix.lower()](pa.table({**columns, "timestamp_s": times, **values}), path)
