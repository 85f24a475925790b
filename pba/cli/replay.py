"""`pba replay`: traces sent through a service sample by sample, and the scores of its forecasts."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pba.cli import replay_plot, replay_report
from pba.cli.json_output import AsJson, print_json
from pba.cli.options import (
    InProcess,
    ModelFolder,
    Strict,
    TraceId,
)
from pba.cli.replay_links import (
    HistorySource,
    LinkReplay,
    count_forecasts,
    links_of,
    replay_links,
)
from pba.cli.service_options import Service, with_service
from pba.cli.terminal import activity, progress_bar
from pba.evaluation.trace_replay import ReplayOutcome
from pba.project import SHIPPED_MODELS

__all__ = ["replay"]

TraceFiles = Annotated[list[Path], typer.Argument(help="Traces, of any format in docs/formats.md.")]
Speed = Annotated[
    float, typer.Option(min=0, help="Multiple of real time; 0 does not wait between samples.")
]
LinkCount = Annotated[
    int | None,
    typer.Option(min=1, help="Replay so many traces at once, taken in turn from each file."),
]
SourcePath = Annotated[
    HistorySource,
    typer.Option(
        help="given: each request carries its history. stored: each sample is reported, and the "
        "forecast requested by the link's name. both: compare the two."
    ),
]
Split = Annotated[str | None, typer.Option(help="train, val or test, where the file marks it.")]
Limit = Annotated[int | None, typer.Option(min=1, help="The most forecasts a trace.")]
Output = Annotated[Path | None, typer.Option(help="Write every forecast to this file, as JSONL.")]
Plot = Annotated[
    Path | None, typer.Option(help="Plot the first trace to this file, PNG, SVG or PDF.")
]


@with_service
def replay(
    traces: TraceFiles,
    service: Service,
    speed: Speed = 0.0,
    links: LinkCount = None,
    path: SourcePath = HistorySource.GIVEN,
    trace_id: TraceId = None,
    split: Split = None,
    limit: Limit = None,
    in_process: InProcess = False,
    models: ModelFolder = SHIPPED_MODELS,
    output: Output = None,
    plot: Plot = None,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Forecast after every sample of traces; print accuracy, coverage and latency."""
    if in_process and path is not HistorySource.GIVEN:
        raise typer.BadParameter(f"--path {path} needs a service. Leave out --in-process.")
    if plot:
        replay_plot.check_plot(plot)
    with activity("read the traces"):
        selected = links_of(traces, links, trace_id, split, strict)
    client = None if in_process else service.async_client()
    with progress_bar() as progress:
        task = progress.add_task("replay", total=count_forecasts(selected, limit))

        def advance() -> None:
            progress.advance(task)

        replays = asyncio.run(
            replay_links(selected, path, client, models, links or 1, speed, limit, advance)
        )
    if as_json:
        print_json(replay_report.report_document(path.paths, replays))
    else:
        replay_report.print_report(Console(), path.paths, replays)
    _write_files(path, replays, output, plot, as_json)


def _write_files(
    source: HistorySource,
    replays: Sequence[LinkReplay],
    output: Path | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Write every forecast and the plot, if requested, and say where; beside JSON on stderr."""
    if output:
        output.write_text("".join(f"{json.dumps(line)}\n" for line in _lines(source, replays)))
        typer.echo(f"Every forecast is in {output}.", err=as_json)
    if plot:
        first = next(replay for replay in replays if replay.outcomes)
        outcomes = [by_path[0] for by_path in first.outcomes]
        replay_plot.draw(outcomes, first.link.trace.trace_id, plot)
        typer.echo(f"The plot is in {plot}.", err=as_json)


def _lines(source: HistorySource, replays: Sequence[LinkReplay]) -> Iterator[dict[str, object]]:
    for replay in replays:
        for by_path in replay.outcomes:
            for path, outcome in zip(source.paths, by_path, strict=True):
                yield {"trace_id": replay.link.trace.trace_id, "path": path} | _line(outcome)


def _line(outcome: ReplayOutcome) -> dict[str, object]:
    return {
        "timestamp_s": outcome.timestamp_s,
        "actual_mbps": [None if value != value else value for value in outcome.actual_mbps],
        "latency_ms": outcome.latency_ms,
        "forecast": outcome.forecast.as_dict(),
    }
