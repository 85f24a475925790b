"""Options that several commands share, and the functions that read them."""

import getpass
import os
import socket
from pathlib import Path
from typing import Annotated

import typer

from pba.errors import InvalidTrace
from pba.telemetry.traces import Trace, read_traces

__all__ = [
    "DEFAULT_STORE",
    "DEFAULT_URL",
    "SHIPPED_MODELS",
    "InProcess",
    "ModelFolder",
    "TraceId",
    "Url",
    "select_traces",
    "user_at_host",
]

Url = Annotated[str, typer.Option(help="The address of the service.")]
InProcess = Annotated[bool, typer.Option(help="Forecast in this process, without a service.")]
ModelFolder = Annotated[Path, typer.Option(help="Models for --in-process, one folder a mode.")]
TraceId = Annotated[str | None, typer.Option(help="Only the trace of this name.")]

DEFAULT_URL = "http://127.0.0.1:8000"
DEFAULT_STORE = "sqlite:///data/pba.db"
SHIPPED_MODELS = Path(__file__).parents[2] / "models"


def select_traces(path: Path, trace_id: str | None = None, split: str | None = None) -> list[Trace]:
    """Return the traces in the file ``path``, or those of one name or split.

    Raises
    ------
    InvalidTrace
        If the file has no such trace.
    """
    traces = read_traces(path)
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


def user_at_host() -> str:
    """Return who runs the command, as ``user@host``."""
    try:
        user = getpass.getuser()
    except KeyError:  # a container whose user has no entry in passwd
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
