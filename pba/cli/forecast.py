"""`pba forecast`: one forecast from a file."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pba.cli.options import (
    SHIPPED,
    InProcess,
    ModelFolder,
    TraceId,
    Url,
    forecast_function,
    select_traces,
)
from pba.types import History

__all__ = ["forecast"]


def forecast(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet, columns as in a trace.")],
    trace_id: TraceId = None,
    url: Url = "http://127.0.0.1:8000",
    in_process: InProcess = False,
    models: ModelFolder = SHIPPED,
) -> None:
    """Print the forecast from a file's newest samples, as JSON."""
    trace = select_traces(file, trace_id)[0]
    history = History(trace.timestamps_s, trace.telemetry)
    with forecast_function(url, in_process, models) as ask:
        typer.echo(json.dumps(ask(history.last(60)).as_dict(), indent=2))
