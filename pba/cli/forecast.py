"""`pba forecast`: one forecast from a file."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pba.cli.forecast_functions import forecast_function
from pba.cli.options import (
    DEFAULT_URL,
    SHIPPED_MODELS,
    InProcess,
    ModelFolder,
    Strict,
    TraceId,
    Url,
    select_traces,
)
from pba.types import History

__all__ = ["forecast"]


def forecast(
    file: Annotated[Path, typer.Argument(help="A trace, of any format in docs/formats.md.")],
    trace_id: TraceId = None,
    url: Url = DEFAULT_URL,
    in_process: InProcess = False,
    models: ModelFolder = SHIPPED_MODELS,
    strict: Strict = False,
) -> None:
    """Print the forecast from a file's newest samples, as JSON."""
    trace = select_traces(file, trace_id, strict=strict)[0]
    history = History(trace.timestamps_s, trace.telemetry)
    with forecast_function(url, in_process, models) as function:
        typer.echo(json.dumps(function(history.last(60)).as_dict(), indent=2))
