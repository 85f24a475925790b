"""Options that several commands share, and the functions that read them."""

import getpass
import os
import re
import socket
from pathlib import Path
from typing import Annotated

import typer

from pba.errors import InvalidTrace
from pba.telemetry.read_report import ReadReport
from pba.telemetry.traces import Trace, read_trace_file

__all__ = [
    "DEFAULT_STORE",
    "InProcess",
    "ModelFolder",
    "Strict",
    "TraceId",
    "link_id_of",
    "print_report",
    "select_traces",
    "user_at_host",
]

InProcess = Annotated[bool, typer.Option(help="Forecast in this process, without a service.")]
ModelFolder = Annotated[Path, typer.Option(help="Models for --in-process, one folder a mode.")]
TraceId = Annotated[str | None, typer.Option(help="Only the trace of this name.")]
Strict = Annotated[
    bool, typer.Option(help="Refuse a file for what is otherwise left out and counted.")
]

DEFAULT_STORE = "sqlite:///data/pba.db"


def select_traces(
    path: Path, trace_id: str | None = None, split: str | None = None, strict: bool = False
) -> list[Trace]:
    """Return the traces in the file ``path``, or those of one name or split.

    What is left out, ignored or converted is printed to stderr, or refused if ``strict``.

    Raises
    ------
    InvalidTrace
        If the file has no such trace.
    """
    file = read_trace_file(path, strict)
    print_report(file.report)
    traces = file.traces
    selected = [
        trace
        for trace in traces
        if trace_id in (None, trace.trace_id) and split in (None, trace.split)
    ]
    if not selected:
        names = ", ".join(trace.trace_id for trace in traces[:5])
        raise InvalidTrace(
            f"{path} has no trace {trace_id or ''} in split {split or 'any'}; of its "
            f"{len(traces)} traces the first are {names}."
        )
    return selected


def print_report(report: ReadReport) -> None:
    """Print to stderr what reading a file left out, ignored or converted."""
    for line in report.lines():
        typer.secho(f"pba: {line}", err=True, fg="yellow")


def link_id_of(name: str) -> str:
    """Return ``name`` as a link's name: other characters become ``_``, and it ends after 200.

    >>> link_id_of("eth0 (lab)/received")
    'eth0__lab__received'
    """
    return re.sub(r"[^A-Za-z0-9._:@>-]", "_", name)[:200]


def user_at_host() -> str:
    """Return who runs the command, as ``user@host``."""
    try:
        user = getpass.getuser()
    except KeyError:  # a container whose user has no entry in passwd
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
