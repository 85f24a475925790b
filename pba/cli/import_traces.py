"""`pba import`: measurements of other tools, written as traces or reported to a service."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from pba.cli.options import Strict, link_id_of, print_report
from pba.cli.service_options import Service, with_service
from pba.cli.terminal import activity, progress_bar
from pba.errors import InvalidTrace
from pba.telemetry.importers.contract import all_importers
from pba.telemetry.resampling import resampled
from pba.telemetry.trace_writer import check_ending, write_traces
from pba.telemetry.traces import Trace, read_trace_file
from pba.types import rfc3339_of

__all__ = ["import_traces"]

_STEP = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|)")
_SECONDS = {"ms": 1e-3, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}
_SAMPLES_A_CALL = 5000
_DATED_S = 315_360_000.0

Files = Annotated[list[Path], typer.Argument(help="Files of any format in docs/formats.md.")]
Format = Annotated[
    str,
    typer.Option("--format", help=f"auto, or {', '.join(one.name for one in all_importers())}."),
]
Link = Annotated[
    str | None, typer.Option(help="The link's name; several are named LINK:NAME. Default: theirs.")
]
Step = Annotated[
    str | None, typer.Option(help="Average over steps of 200ms, 1s, 5m. Default: as measured.")
]
Unit = Annotated[
    str, typer.Option(help="The unit of rates where the file names none, such as byte/s.")
]
Target = Annotated[Path | None, typer.Option("--to", help="Write them to *.parquet or *.csv.")]
Observe = Annotated[bool, typer.Option("--observe", help="Report them to a running service.")]


@with_service
def import_traces(
    files: Files,
    service: Service,
    format_name: Format = "auto",
    link: Link = None,
    step: Step = None,
    unit: Unit = "",
    to: Target = None,
    observe: Observe = False,
    strict: Strict = False,
) -> None:
    """Read measurements of other tools; write them as traces, or report them to a service."""
    if to is None and not observe:
        raise typer.BadParameter("say what to do: --to trace.parquet, or --observe, or both.")
    if to is not None:
        check_ending(to)
    step_s = None if step is None else _seconds(step)
    with activity("read the files"):
        parts = [
            part for file in files for part in _read(file, format_name, step_s, unit, link, strict)
        ]
    traces = _merged(parts)
    if step_s is not None:
        traces = [trace for trace in (resampled(one, step_s) for one in traces) if len(trace)]
        if not traces:
            raise InvalidTrace(f"no step of {step} is measured half. Choose a longer step.")
    for trace in traces:
        typer.echo(_summary(trace))
    if to is not None:
        write_traces(to, traces)
        typer.echo(f"{len(traces)} traces are in {to}. Next: pba replay {to}")
    if observe:
        _report(traces, service)


def _seconds(step: str) -> float:
    match = _STEP.fullmatch(step.strip())
    seconds = float(match[1]) * _SECONDS[match[2]] if match else 0.0
    if seconds <= 0:
        raise InvalidTrace(f"step is {step!r}; it is a duration such as 200ms, 1s or 5m.")
    return seconds


def _read(
    file: Path, format_name: str, step_s: float | None, unit: str, link: str | None, strict: bool
) -> Iterator[Trace]:
    content = read_trace_file(file, strict, format_name, step_s or 1.0, unit)
    typer.echo(f"{file}: {content.format_name}", err=True)
    print_report(content.report)
    for trace in content.traces:
        name = trace.trace_id
        if link is not None:
            name = link if name == content.stem else f"{link}:{name}"
        yield replace(trace, trace_id=link_id_of(name), dropped=0)


def _merged(parts: Sequence[Trace]) -> list[Trace]:
    """Return one trace a name: parts of several files are put in the order of time."""
    by_name: dict[str, list[Trace]] = {}
    for part in parts:
        by_name.setdefault(part.trace_id, []).append(part)
    return [_together(name, traces) for name, traces in by_name.items()]


def _together(name: str, traces: Sequence[Trace]) -> Trace:
    if len(traces) == 1:
        return traces[0]
    if any(not _is_dated(trace) for trace in traces):
        raise InvalidTrace(
            f"{len(traces)} files have a trace {name} whose times count from its start, so they "
            "have no order. Import them one by one, or without --link."
        )
    times = np.concatenate([trace.timestamps_s for trace in traces])
    telemetry = np.concatenate([trace.telemetry for trace in traces])
    marks = np.concatenate([trace.marks for trace in traces])
    unique, rows = np.unique(times, return_index=True)
    if len(unique) < len(times):
        typer.secho(
            f"pba: {len(times) - len(unique)} samples of {name} have a time that another file has "
            "too; the first is kept.",
            err=True,
            fg="yellow",
        )
    during = marks[rows] if marks.any() else None
    return Trace(name, traces[0].split, unique, telemetry[rows], during_transfer=during)


def _is_dated(trace: Trace) -> bool:
    return bool(trace.timestamps_s[-1] > _DATED_S)


def _summary(trace: Trace) -> str:
    times, rate_mbps = trace.timestamps_s, trace.telemetry[:, 0]
    first, last = (rfc3339_of(t) if _is_dated(trace) else f"{t:.3f} s" for t in times[[0, -1]])
    return (
        f"{trace.trace_id}: {len(trace)} samples from {first} to {last}, median "
        f"{np.median(rate_mbps):.4g} Mbps, highest {rate_mbps.max():.4g}"
    )


def _report(traces: Sequence[Trace], service: Service) -> None:
    """Report the samples of ``traces`` to a service, and print the sum of the receipts."""
    for trace in traces:
        if not _is_dated(trace):
            raise InvalidTrace(
                f"the times of {trace.trace_id} count from its start; a service needs dates. Use "
                "pba replay, which needs none."
            )
    with service.client() as client, progress_bar() as progress:
        task = progress.add_task("report", total=sum(map(len, traces)))
        for trace in traces:
            history = trace.history
            sums: dict[str, int] = {}
            for end in range(0, len(history), _SAMPLES_A_CALL):
                part = history.first(end + _SAMPLES_A_CALL)
                receipt = client.observe(trace.trace_id, part.last(len(part) - end))
                progress.advance(task, len(part) - end)
                for key, count in _counts(receipt):
                    sums[key] = sums.get(key, 0) + count
            counts = ", ".join(f"{count} {key}" for key, count in sums.items() if count)
            typer.echo(f"{trace.trace_id}: {counts}")


def _counts(receipt: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield what a receipt counts, and how many samples it refuses."""
    for key, value in receipt.items():
        if isinstance(value, int | list):
            yield key, len(value) if isinstance(value, list) else value
