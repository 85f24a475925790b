"""`pba replay`: a trace sent through a service, sample by sample, and scored."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from pba.cli.ask import SHIPPED, InProcess, Models, TraceId, Url, asking, chosen
from pba.replay import Outcome, live, score

__all__ = ["replay"]


def replay(
    trace: Annotated[Path, typer.Argument(help="CSV or Parquet, columns as in docs/training.md.")],
    url: Url = "http://127.0.0.1:8000",
    speed: Annotated[float, typer.Option(min=0, help="Times real time; 0: no waiting.")] = 0.0,
    trace_id: TraceId = None,
    split: Annotated[str | None, typer.Option(help="train, val or test, where marked.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="The most forecasts a trace.")] = None,
    in_process: InProcess = False,
    models: Models = SHIPPED,
    output: Annotated[Path | None, typer.Option(help="Write every forecast here, JSONL.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the first trace here, PNG.")] = None,
) -> None:
    """Forecast after every sample of a trace; print accuracy, coverage and latency."""
    chosen_traces = chosen(trace, trace_id, split)
    steps = sum(min(len(one) - 2, limit or len(one)) for one in chosen_traces)
    with asking(url, in_process, models) as ask, Progress() as progress:
        task = progress.add_task("replay", total=steps)
        replayed = [
            [_advance(progress, task, outcome) for outcome in live(one, ask, speed, limit)]
            for one in chosen_traces
        ]
    outcomes = [outcome for part in replayed for outcome in part]
    _report(Console(), outcomes)
    if output:
        output.write_text("".join(json.dumps(_line(outcome)) + "\n" for outcome in outcomes))
    if plot:
        from pba.cli.picture import draw

        draw(replayed[0], chosen_traces[0].trace_id, plot)


def _advance(progress: Progress, task: TaskID, outcome: Outcome) -> Outcome:
    progress.advance(task)
    return outcome


def _report(console: Console, outcomes: list[Outcome]) -> None:
    table = Table("steps", "n", "±20 %", "last value", "±10 %", "MAE Mbps", "50 %", "90 %", "sure")
    for found in score(outcomes):
        steps, count, *figures = asdict(found).values()
        table.add_row(str(steps), str(count), *(f"{figure:.3f}" for figure in figures))
    console.print(
        "Shares within ±20 % and ±10 % of the actual, of the last value too; share inside"
    )
    console.print("the 50 % and 90 % bands; mean confidence.")
    console.print(table)
    took = np.array([outcome.latency_ms for outcome in outcomes])
    p50, p95, p99 = np.percentile(took, [50, 95, 99])
    console.print(f"latency ms: p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f}, max {took.max():.1f}")
    said = Counter((o.forecast.mode.value, o.forecast.source) for o in outcomes)
    console.print("answered by: " + ", ".join(f"{m} {s} {n}" for (m, s), n in said.items()))


def _line(outcome: Outcome) -> dict[str, object]:
    return {
        "timestamp_s": outcome.timestamp_s,
        "actual_mbps": [None if value != value else value for value in outcome.actual_mbps],
        "latency_ms": outcome.latency_ms,
        "forecast": outcome.forecast.as_dict(),
    }
