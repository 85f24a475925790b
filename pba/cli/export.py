"""`pba export`: what links reported, as traces to learn from."""

import time
from pathlib import Path
from typing import Annotated

import typer

from pba.store import Store

__all__ = ["export"]


def export(
    folder: Annotated[Path, typer.Argument(help="Where to write day=2026-03-01/samples.parquet.")],
    store: Annotated[
        str, typer.Option(envvar="PBA_STORE_URL", help="The telemetry store.")
    ] = "sqlite:///data/pba.db",
) -> None:
    """Write all stored samples as Parquet, one folder a day, links as traces."""
    opened = Store(store, time.time).ready()  # noqa: TID251 - the clock that is passed in
    written = 0

    def count(rows: int) -> None:
        nonlocal written
        written += rows

    days = opened.export(folder, count)
    opened.close()
    typer.echo(f"{written} samples of {days} days are in {folder}.")
