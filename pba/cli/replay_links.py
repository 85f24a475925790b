"""Feeds links to a service, many at once: each lives through a trace of its own."""

import asyncio
import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from pba.cli.options import StoredLink, history_forecaster, select_traces
from pba.client import AsyncPBAClient
from pba.errors import InvalidTrace
from pba.evaluation.trace_replay import ForecastFunction, ReplayOutcome, live, nowhere, past
from pba.telemetry.traces import Trace

__all__ = ["LinkReplay", "ReplayLink", "HistorySource", "replay_links", "links_of"]


class HistorySource(StrEnum):
    """How forecasts are asked for."""

    GIVEN = "given"
    STORED = "stored"
    BOTH = "both"

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that are asked, in order."""
        return (
            (HistorySource.GIVEN.value, HistorySource.STORED.value)
            if self is HistorySource.BOTH
            else (self.value,)
        )


@dataclass(frozen=True, slots=True)
class ReplayLink:
    """A trace that is replayed as a link of its own.

    Parameters
    ----------
    set_name
        The stem of its file.
    link_id
        What the service is told to call it.
    trace
        What it reports.
    """

    set_name: str
    link_id: str
    trace: Trace


@dataclass(frozen=True, slots=True)
class LinkReplay:
    """What came of a link.

    Parameters
    ----------
    link
        Which.
    outcomes
        One tuple a moment, with one outcome a path.
    state
        What the service knows of it in the end; None where it was not told.
    """

    link: ReplayLink
    outcomes: list[tuple[ReplayOutcome, ...]]
    state: dict[str, Any] | None


def links_of(
    files: Sequence[Path],
    count: int | None = None,
    trace_id: str | None = None,
    split: str | None = None,
) -> list[ReplayLink]:
    """Return the chosen traces of ``files`` as links: all, or ``count``, in turn from each file.

    Raises
    ------
    InvalidTrace
        If there are fewer, or none.
    """
    parts = [
        [(file.stem, trace) for trace in select_traces(file, trace_id, split)] for file in files
    ]
    turns = chain.from_iterable(zip_longest(*parts) if count else parts)
    found = [one for one in turns if one is not None]
    if count is not None and len(found) < count:
        raise InvalidTrace(
            f"links is {count}; there are {len(found)} such traces, and each link needs its own. "
            "Name more files, or ask for fewer links."
        )
    run, now_s = secrets.token_hex(4), datetime.now(UTC).timestamp()
    return [
        ReplayLink(name, _link_id(run, number, name, trace.trace_id), past(trace, now_s))
        for number, (name, trace) in enumerate(found[:count])
    ]


def _link_id(run: str, number: int, *names: str) -> str:
    wanted = ":".join((f"replay-{run}", f"{number:03d}", *names))
    return re.sub(r"[^A-Za-z0-9._:@>-]", "_", wanted)[:200]


async def replay_links(
    links: Sequence[ReplayLink],
    way: HistorySource,
    url: str | None,
    models: Path,
    at_once: int = 1,
    speed: float = 0.0,
    limit: int | None = None,
    on_moment: Callable[[], None] = lambda: None,
) -> list[LinkReplay]:
    """Have ``links`` live through their traces, ``at_once`` at a time.

    Parameters
    ----------
    url
        Of the service; None asks the ``models`` in this process, with histories alone.
    speed, limit
        As for `pba.evaluation.trace_replay.live`.
    on_moment
        Told of each moment that is over.
    """
    places = asyncio.Semaphore(at_once)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(AsyncPBAClient(url)) if url else None
        ask = history_forecaster(client, models)

        async def one(link: ReplayLink) -> LinkReplay:
            kept = (
                StoredLink(client, link.link_id)
                if client and way is not HistorySource.GIVEN
                else None
            )
            asks = _asks(way, ask, kept)
            outcomes = []
            async with places:
                report = kept.report if kept else nowhere
                async for turn in live(link.trace, asks, report, speed, limit):
                    outcomes.append(turn)
                    on_moment()
            return LinkReplay(link, outcomes, await kept.state() if kept else None)

        return await asyncio.gather(*map(one, links))


def _asks(
    way: HistorySource, ask: ForecastFunction, kept: StoredLink | None
) -> list[ForecastFunction]:
    asks: list[ForecastFunction] = [ask] if way is not HistorySource.STORED else []
    return asks if kept is None else [*asks, kept.ask]
