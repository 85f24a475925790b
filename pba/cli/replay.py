"""`pba replay`: traces sent through a service, sample by sample, and scored."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from pba.cli import replay_report
from pba.cli.options import SHIPPED, InProcess, ModelFolder, TraceId, Url
from pba.cli.replay_links import HistorySource, LinkReplay, ReplayLink, links_of, replay_links
from pba.evaluation.trace_replay import ReplayOutcome

__all__ = ["replay"]


def replay(
    traces: Annotated[
        list[Path], typer.Argument(help="CSV or Parquet, columns as in docs/training.md.")
    ],
    url: Url = "http://127.0.0.1:8000",
    speed: Annotated[float, typer.Option(min=0, help="Times real time; 0: no waiting.")] = 0.0,
    links: Annotated[
        int | None,
        typer.Option(min=1, help="So many traces, in turn from each file, all at once."),
    ] = None,
    path: Annotated[
        HistorySource,
        typer.Option(
            help="given: the history goes with each question. stored: each sample is reported, "
            "and the link asked for by name. both: compare the two."
        ),
    ] = HistorySource.GIVEN,
    trace_id: TraceId = None,
    split: Annotated[str | None, typer.Option(help="train, val or test, where marked.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="The most forecasts a trace.")] = None,
    in_process: InProcess = False,
    models: ModelFolder = SHIPPED,
    output: Annotated[Path | None, typer.Option(help="Write every forecast here, JSONL.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the first trace here, PNG.")] = None,
) -> None:
    """Forecast after every sample of traces; print accuracy, coverage and latency."""
    if in_process and path is not HistorySource.GIVEN:
        raise typer.BadParameter(f"--path {path} is of a service. Leave out --in-process.")
    found = links_of(traces, links, trace_id, split)
    with Progress() as progress:
        task = progress.add_task("replay", total=_moments(found, limit))
        going = replay_links(
            found,
            path,
            None if in_process else url,
            models,
            links or 1,
            speed,
            limit,
            lambda: progress.advance(task),
        )
        fed = asyncio.run(going)
    replay_report.print_report(Console(), path.paths, fed)
    if output:
        output.write_text("".join(f"{json.dumps(line)}\n" for line in _lines(path, fed)))
    if plot:
        from pba.cli.replay_plot import draw

        draw([turn[0] for turn in fed[0].outcomes], found[0].trace.trace_id, plot)


def _moments(links: Sequence[ReplayLink], limit: int | None) -> int:
    return sum(min(len(one.trace) - 2, limit or len(one.trace)) for one in links)


def _lines(way: HistorySource, fed: Sequence[LinkReplay]) -> Iterator[dict[str, object]]:
    for one in fed:
        for turn in one.outcomes:
            for path, outcome in zip(way.paths, turn, strict=True):
                yield {"trace_id": one.link.trace.trace_id, "path": path} | _line(outcome)


def _line(outcome: ReplayOutcome) -> dict[str, object]:
    return {
        "timestamp_s": outcome.timestamp_s,
        "actual_mbps": [None if value != value else value for value in outcome.actual_mbps],
        "latency_ms": outcome.latency_ms,
        "forecast": outcome.forecast.as_dict(),
    }
