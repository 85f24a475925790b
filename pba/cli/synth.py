"""`pba synth`: a synthetic trace to try the other commands with."""

import shlex
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from pba.telemetry.synthetic import generate_synthetic_data
from pba.telemetry.trace import Trace
from pba.telemetry.trace_writer import check_ending, write_traces
from pba.types import History

__all__ = ["synth"]


def synth(
    file: Annotated[Path, typer.Argument(help="The file to write: *.csv or *.parquet.")],
    mode: Annotated[str, typer.Option(help="datacenter or internet.")] = "internet",
    samples: Annotated[int, typer.Option(min=1, help="How many, one a second.")] = 600,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same trace.")] = 0,
) -> None:
    """Write a synthetic trace, to be read by `pba replay` and `pba forecast`."""
    check_ending(file)
    history = History.of(generate_synthetic_data(mode, samples, np.random.default_rng(seed)))
    write_traces(file, [Trace(file.stem, "", history.timestamps_s, history.telemetry)])
    name = shlex.quote(str(file))
    typer.echo(f"{samples} samples of a synthetic {mode} link are in {file}.")
    typer.echo(f"Next: pba replay {name}, or without a service pba replay {name} --in-process")
