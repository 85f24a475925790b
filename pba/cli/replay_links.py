"""Replays traces as links of a service, several at once."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import typer

from pba.cli.forecast_functions import StoredLink, history_forecaster
from pba.cli.options import link_id_of, select_traces
from pba.client import AsyncPBAClient
from pba.errors import InvalidTrace
from pba.evaluation.trace_replay import (
    ForecastFunction,
    ReplayOutcome,
    discard,
    replay_trace,
    shift_into_past,
)
from pba.telemetry.traces import Trace

__all__ = [
    "HistorySource",
    "LinkReplay",
    "ReplayLink",
    "count_forecasts",
    "links_of",
    "replay_links",
]

_LEAST_SAMPLES = 3


class HistorySource(StrEnum):
    """Where the histories of forecasts come from."""

    GIVEN = "given"
    STORED = "stored"
    BOTH = "both"

    @property
    def paths(self) -> tuple[str, ...]:
        """The request paths, in the order in which they are called."""
        return (
            (HistorySource.GIVEN.value, HistorySource.STORED.value)
            if self is HistorySource.BOTH
            else (self.value,)
        )


@dataclass(frozen=True, slots=True)
class ReplayLink:
    """A trace and the link that it is replayed as.

    Parameters
    ----------
    set_name
        The stem of the trace's file.
    link_id
        The link's name in the service.
    trace
        The samples of the link.
    """

    set_name: str
    link_id: str
    trace: Trace


@dataclass(frozen=True, slots=True)
class LinkReplay:
    """The result of replaying one link.

    Parameters
    ----------
    link
        The link.
    outcomes
        One tuple a sample, with one outcome a path.
    state
        The link's final state in the service; None where nothing was stored.
    """

    link: ReplayLink
    outcomes: list[tuple[ReplayOutcome, ...]]
    state: dict[str, Any] | None


def links_of(
    files: Sequence[Path],
    count: int | None = None,
    trace_id: str | None = None,
    split: str | None = None,
    strict: bool = False,
) -> list[ReplayLink]:
    """Return the chosen traces of ``files`` as links: all, or ``count``, in turn from each file.

    Traces that are too short to be scored are left out, and named on stderr.

    Raises
    ------
    InvalidTrace
        If there are fewer traces than ``count``, none, or none with 3 samples.
    """
    sets = [
        [(file.stem, trace) for trace in select_traces(file, trace_id, split, strict)]
        for file in files
    ]
    in_turn = chain.from_iterable(zip_longest(*sets) if count else sets)
    selected = _long_enough([pair for pair in in_turn if pair is not None])
    if count is not None and len(selected) < count:
        raise InvalidTrace(
            f"links is {count}; there are {len(selected)} such traces, and each link needs its "
            "own. Name more files, or fewer links."
        )
    run, now_s = secrets.token_hex(4), datetime.now(UTC).timestamp()
    return [
        ReplayLink(name, _link_id(run, number, name, trace.trace_id), shift_into_past(trace, now_s))
        for number, (name, trace) in enumerate(selected[:count])
    ]


def _long_enough(pairs: list[tuple[str, Trace]]) -> list[tuple[str, Trace]]:
    """Return the traces with enough samples for one forecast and its actual."""
    short = [(name, trace) for name, trace in pairs if len(trace) < _LEAST_SAMPLES]
    if len(short) == len(pairs):
        longest = max(len(trace) for _, trace in pairs)
        raise InvalidTrace(
            f"the longest trace has {longest} samples; a replay needs 3, to forecast from two of "
            "them and to score with the next. Choose a longer trace."
        )
    if short:
        named = ", ".join(f"{trace.trace_id} ({len(trace)})" for _, trace in short[:3])
        typer.secho(
            f"pba: {len(short)} traces have fewer than 3 samples and are not replayed: {named}"
            f"{', …' if len(short) > 3 else ''}.",
            err=True,
            fg="yellow",
        )
    return [pair for pair in pairs if len(pair[1]) >= _LEAST_SAMPLES]


def count_forecasts(links: Sequence[ReplayLink], limit: int | None = None) -> int:
    """Return how many forecasts a replay requests on each path, at most ``limit`` a trace."""
    counts = (max(0, len(link.trace) - 2) for link in links)
    return sum(count if limit is None else min(count, limit) for count in counts)


def _link_id(run: str, number: int, *names: str) -> str:
    return link_id_of(":".join((f"replay-{run}", f"{number:03d}", *names)))


async def replay_links(
    links: Sequence[ReplayLink],
    source: HistorySource,
    client: AsyncPBAClient | None,
    models: Path,
    concurrency: int = 1,
    speed: float = 0.0,
    limit: int | None = None,
    on_outcome: Callable[[], None] = lambda: None,
) -> list[LinkReplay]:
    """Replay the traces of ``links``, ``concurrency`` of them at a time.

    Parameters
    ----------
    source
        Where histories come from. Without a service they are always given.
    client
        A client of the service, closed in the end; None forecasts with ``models`` in this process.
    speed, limit
        As for `pba.evaluation.trace_replay.replay_trace`.
    on_outcome
        Called after the forecasts of each sample.
    """
    slots = asyncio.Semaphore(concurrency)
    async with AsyncExitStack() as stack:
        if client:
            await stack.enter_async_context(client)
        from_history = history_forecaster(client, models)

        async def replay(link: ReplayLink) -> LinkReplay:
            stores = client and source is not HistorySource.GIVEN
            stored = StoredLink(client, link.link_id) if client and stores else None
            functions = _functions(source, from_history, stored)
            report = stored.report if stored else discard
            outcomes = []
            async with slots:
                async for by_path in replay_trace(link.trace, functions, report, speed, limit):
                    outcomes.append(by_path)
                    on_outcome()
            return LinkReplay(link, outcomes, await stored.state() if stored else None)

        return await asyncio.gather(*map(replay, links))


def _functions(
    source: HistorySource, from_history: ForecastFunction, stored: StoredLink | None
) -> list[ForecastFunction]:
    """Return one forecast function a path, in the order of `HistorySource.paths`."""
    functions = [from_history] if source is not HistorySource.STORED else []
    return functions if stored is None else [*functions, stored.forecast]
