"""`pba watch`: the forecasts of a link as it reports, drawn in the terminal."""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from pba.cli.json_output import AsJson, print_json_line
from pba.cli.service_options import Service, with_service
from pba.cli.terminal import shown
from pba.cli.watch_chart import FUTURE, draw_chart
from pba.client import PBAClient
from pba.types import Forecast

__all__ = ["watch"]

_HEIGHT = 12

LinkId = Annotated[str, typer.Argument(help="The link's name.")]
Count = Annotated[int | None, typer.Option(min=1, help="End after so many forecasts.")]


@with_service
def watch(link_id: LinkId, service: Service, count: Count = None, as_json: AsJson = False) -> None:
    """Show a link's forecast, and a new one whenever it reports; Ctrl-C ends it.

    In a terminal as a chart, else as one line a forecast.
    """
    console = Console()
    with service.client() as client:
        forecasts = islice(client.watch(link_id), count)
        try:
            if as_json:
                for forecast in forecasts:
                    print_json_line(forecast.as_dict())
            elif console.is_terminal:
                _draw_all(console, client, link_id, forecasts)
            else:
                for forecast in forecasts:
                    typer.echo(_line(forecast))
        except KeyboardInterrupt:
            pass  # that is how it ends


def _draw_all(
    console: Console, client: PBAClient, link_id: str, forecasts: Iterator[Forecast]
) -> None:
    with Live(console=console, auto_refresh=False) as live:
        for forecast in forecasts:
            columns = max(1, console.width - FUTURE)
            samples = client.history(link_id, limit=columns)["samples"]
            measured = [sample["bandwidth_mbps"] for sample in samples]
            chart = draw_chart(measured, forecast, console.width, _HEIGHT)
            live.update(Group(Text(link_id, "bold"), chart, *_details(forecast)), refresh=True)


def _details(forecast: Forecast) -> list[Text]:
    """Return what the chart does not show, a line each."""
    horizons = [
        f"+{one.steps}: {shown(one.bandwidth_mbps)} ({one.confidence:.0%})"
        for one in forecast.horizons
    ]
    means = [
        f"mean of {one.steps}: {shown(one.mean_mbps)} ({one.confidence:.0%})"
        for one in forecast.intervals
    ]
    reasons = ", ".join(forecast.reasons) or "none"
    model = forecast.model_version or "no model"
    return [
        Text(f"Mbps, with the probability that the actual is within ±20 %: {', '.join(horizons)}"),
        *([Text("; ".join(means))] if means else []),
        Text(f"{forecast.mode}, {forecast.source}, {model}; reasons: {reasons}", "dim"),
    ]


def _line(forecast: Forecast) -> str:
    values = ", ".join(
        f"+{one.steps} {shown(one.bandwidth_mbps)} Mbps {one.confidence:.2f}"
        for one in forecast.horizons
    )
    return f"{forecast.newest_sample_at.isoformat()} {values}"
