"""A trace file as JSON, read by a process of its own: ``python -m pba.telemetry.trace_document``.

Readers of foreign formats get limits of memory and time here, which a thread of a service cannot
have: what a file of somebody costs, it costs this process alone.
"""

import json
import os
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

from pba.errors import InvalidTrace
from pba.telemetry.trace import Trace
from pba.telemetry.traces import read_trace_file
from pba.types import COLUMNS

__all__ = ["MOST_SAMPLES", "MOST_TRACES", "main", "trace_document"]

MOST_TRACES, MOST_SAMPLES = 50, 2000
_MEMORY_BYTES = 2 << 30  # of addresses; libraries reserve more than they use
_FILE_BYTES = 64 << 20


def trace_document(path: Path) -> dict[str, Any]:
    """Return the newest samples of the first links in a file, as columns, and what was left out.

    Raises
    ------
    InvalidTrace
        As `pba.telemetry.traces.read_trace_file`.
    """
    file = read_trace_file(path)
    return {
        "format": file.format_name,
        "notes": file.report.lines(),
        "links": len(file.traces),
        "traces": [_columns(trace) for trace in file.traces[:MOST_TRACES]],
    }


def _columns(trace: Trace) -> dict[str, Any]:
    times_s, telemetry = trace.timestamps_s[-MOST_SAMPLES:], trace.telemetry[-MOST_SAMPLES:]
    columns = {name: telemetry[:, at].tolist() for at, name in enumerate(COLUMNS)}
    history = {"timestamp": times_s.tolist()} | {
        name: [None if value != value else value for value in values]
        for name, values in columns.items()
    }
    return {"name": trace.trace_id, "samples": len(trace), "history": history}


def main() -> None:
    """Read a file from standard input, whose name is the first argument, and print its document."""
    name, cpu_s = Path(sys.argv[1]).name or "file", int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # messages have the name alone
        path = Path(name)
        path.write_bytes(sys.stdin.buffer.read())
        try:
            document = trace_document(path)
        except InvalidTrace as error:
            document = {"error": str(error)}
    json.dump(document, sys.stdout)


if __name__ == "__main__":
    main()
