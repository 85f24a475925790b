"""`pba export`: stored samples as traces for training and replay, and forecasts with outcomes."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from pba.cli.json_output import AsJson, print_json
from pba.cli.options import DEFAULT_STORE
from pba.cli.terminal import progress_bar

__all__ = ["export"]


def export(
    folder: Annotated[Path, typer.Argument(help="Where to write day=2026-03-01/samples.parquet.")],
    store: Annotated[
        str, typer.Option(envvar="PBA_STORE_URL", help="URL of the telemetry store.")
    ] = DEFAULT_STORE,
    forecasts: Annotated[
        bool, typer.Option("--forecasts", help="Write forecasts and outcomes too, to forecasts/.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write all stored samples as Parquet: one folder a day, one trace a link."""
    from pba.store import Store
    from pba.store.forecast_export import FORECAST_FOLDER

    source = Store(store, time.time).ready()  # noqa: TID251 - the clock that is passed in
    works = {"samples": (folder, source.export)}
    if forecasts:
        works["forecasts"] = (folder / FORECAST_FOLDER, source.export_forecasts)
    written = {name: _written(name, work, folder) for name, (_, work) in works.items()}
    source.close()
    if as_json:
        print_json(written)
        return
    for name, counts in written.items():
        target = works[name][0]
        typer.echo(f"{counts['rows']} {name} of {counts['days']} days are in {target}.")


def _written(
    name: str, work: Callable[[Path, Callable[[int], None]], int], folder: Path
) -> dict[str, int]:
    """Do the ``work`` with a progress bar; return how many rows of how many days were written."""
    rows = 0
    with progress_bar() as progress:
        task = progress.add_task(name, total=None)

        def count(batch_rows: int) -> None:
            nonlocal rows
            rows += batch_rows
            progress.update(task, description=f"{rows} {name}")

        days = work(folder, count)
    return {"rows": rows, "days": days}
