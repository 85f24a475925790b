"""`pba export`: stored samples, written as traces for training and replay."""

import time
from pathlib import Path
from typing import Annotated

import typer

from pba.cli.options import DEFAULT_STORE
from pba.store import Store

__all__ = ["export"]


def export(
    folder: Annotated[Path, typer.Argument(help="Where to write day=2026-03-01/samples.parquet.")],
    store: Annotated[
        str, typer.Option(envvar="PBA_STORE_URL", help="URL of the telemetry store.")
    ] = DEFAULT_STORE,
) -> None:
    """Write all stored samples as Parquet: one folder a day, one trace a link."""
    source = Store(store, time.time).ready()  # noqa: TID251 - the clock that is passed in
    rows = 0

    def count(batch_rows: int) -> None:
        nonlocal rows
        rows += batch_rows

    days = source.export(folder, count)
    source.close()
    typer.echo(f"{rows} samples of {days} days are in {folder}.")
