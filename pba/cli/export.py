"""`pba export`: stored samples as traces for training and replay, and forecasts with outcomes."""

import time
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from pba.cli.options import DEFAULT_STORE

__all__ = ["export"]


def export(
    folder: Annotated[Path, typer.Argument(help="Where to write day=2026-03-01/samples.parquet.")],
    store: Annotated[
        str, typer.Option(envvar="PBA_STORE_URL", help="URL of the telemetry store.")
    ] = DEFAULT_STORE,
    forecasts: Annotated[
        bool, typer.Option("--forecasts", help="Write forecasts and outcomes too, to forecasts/.")
    ] = False,
) -> None:
    """Write all stored samples as Parquet: one folder a day, one trace a link."""
    from pba.store import Store
    from pba.store.forecast_export import FORECAST_FOLDER

    source = Store(store, time.time).ready()  # noqa: TID251 - the clock that is passed in
    counts = {"samples": 0, "forecasts": 0}

    def count(name: str, batch_rows: int) -> None:
        counts[name] += batch_rows

    days = source.export(folder, partial(count, "samples"))
    typer.echo(f"{counts['samples']} samples of {days} days are in {folder}.")
    if forecasts:
        days = source.export_forecasts(folder, partial(count, "forecasts"))
        target = folder / FORECAST_FOLDER
        typer.echo(f"{counts['forecasts']} forecasts of {days} days are in {target}.")
    source.close()
