"""`pba forecast`: one forecast from a file."""

from pathlib import Path
from typing import Annotated

import typer

from pba.cli.forecast_functions import forecast_function
from pba.cli.json_output import AlwaysJson, print_json
from pba.cli.options import (
    InProcess,
    ModelFolder,
    Strict,
    TraceId,
    select_traces,
)
from pba.cli.service_options import Service, with_service
from pba.cli.terminal import activity
from pba.project import SHIPPED_MODELS

__all__ = ["forecast"]


@with_service
def forecast(
    file: Annotated[Path, typer.Argument(help="A trace, of any format in docs/formats.md.")],
    service: Service,
    trace_id: TraceId = None,
    in_process: InProcess = False,
    models: ModelFolder = SHIPPED_MODELS,
    strict: Strict = False,
    as_json: AlwaysJson = True,
) -> None:
    """Print the forecast from a file's newest samples, as JSON."""
    with activity(f"read {file}"):
        trace = select_traces(file, trace_id, strict=strict)[0]
    history = trace.history
    with forecast_function(service, in_process, models) as function:
        print_json(function(history.last(60)).as_dict())
