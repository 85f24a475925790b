"""Whom a command asks: a running service, or the same path in this process."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from pba.client import PBAClient
from pba.errors import InvalidTrace
from pba.local import LocalService
from pba.traces import Trace, read_traces
from pba.types import Forecast, History

__all__ = ["InProcess", "Models", "TraceId", "Url", "asking", "chosen"]

Url = Annotated[str, typer.Option(help="Where the service answers.")]
InProcess = Annotated[bool, typer.Option(help="Forecast in this process, without a service.")]
Models = Annotated[Path, typer.Option(help="The models of --in-process, one folder a mode.")]
TraceId = Annotated[str | None, typer.Option(help="Only the trace of this name.")]

SHIPPED = Path(__file__).parents[2] / "models"


@contextlib.contextmanager
def asking(url: str, in_process: bool, models: Path) -> Iterator[Callable[[History], Forecast]]:
    """Yield the way to a forecast."""
    if in_process:
        yield LocalService.load(models).forecast
        return
    with PBAClient(url) as client:
        yield client.forecast


def chosen(path: Path, trace_id: str | None = None, split: str | None = None) -> list[Trace]:
    """Return the traces in the file ``path``, or those of one name or split.

    Raises
    ------
    InvalidTrace
        If none is left.
    """
    traces = read_traces(path)
    kept = [
        trace
        for trace in traces
        if trace_id in (None, trace.trace_id) and split in (None, trace.split)
    ]
    if not kept:
        raise InvalidTrace(
            f"{path} has no trace {trace_id or ''} in split {split or 'any'}; it has "
            f"{', '.join(trace.trace_id for trace in traces[:5])}, … ({len(traces)} in all)."
        )
    return kept
