"""`pba synth`: a synthetic trace to try the other commands with."""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import typer

from pba.errors import InvalidTrace
from pba.telemetry.synthetic import generate_synthetic_data
from pba.types import COLUMNS, History, NetworkMetrics

__all__ = ["synth"]

_WRITERS: dict[str, Callable[[pa.Table, Path], None]] = {
    ".csv": pyarrow.csv.write_csv,
    ".parquet": pyarrow.parquet.write_table,
}


def synth(
    file: Annotated[Path, typer.Argument(help="The file to write: *.csv or *.parquet.")],
    mode: Annotated[str, typer.Option(help="datacenter or internet.")] = "internet",
    samples: Annotated[int, typer.Option(min=1, help="How many, one a second.")] = 600,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same trace.")] = 0,
) -> None:
    """Write a synthetic trace, to be read by `pba replay` and `pba forecast`."""
    if file.suffix not in _WRITERS:
        raise InvalidTrace(f"{file} is neither *.csv nor *.parquet. Choose one of these endings.")
    rows = generate_synthetic_data(mode, samples, np.random.default_rng(seed))
    _WRITERS[file.suffix](_table(rows), file)
    name = shlex.quote(str(file))
    typer.echo(f"{samples} samples of a synthetic {mode} link are in {file}.")
    typer.echo(f"Next: pba replay {name}, or without a service pba replay {name} --in-process")


def _table(samples: Sequence[NetworkMetrics]) -> pa.Table:
    """Return the samples with the columns of a trace file."""
    history = History.of(samples)
    columns = dict(zip(COLUMNS, history.telemetry.T, strict=True))
    return pa.table({"timestamp_s": history.timestamps_s, **columns})
