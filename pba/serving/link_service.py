"""The closed loop's core: what is reported is kept, and forecasts start from what is kept.

Knows no Ray. Holds nothing that is missed when it dies: what was acknowledged is committed.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from pba.errors import Busy, InvalidSample, PBAError, StoreUnavailable
from pba.forecasting.allocation import AllocationRequest
from pba.forecasting.assembly import ForecastResult
from pba.forecasting.link_record import LinkRecord
from pba.forecasting.planning import Query, check_history
from pba.rollout import Flags
from pba.serving.chunking import in_chunks
from pba.serving.deadline import deadline
from pba.serving.forecast_service import ForecastService
from pba.serving.group_commit import MOST_ROWS, GroupCommit
from pba.serving.recorder import ForecastRecorder
from pba.store import LinkContext, Receipt, SampleReport, Store, WriteBatch
from pba.store.store import no_such_link
from pba.types import NetworkMode

__all__ = ["LinkService"]

_Learnt = tuple[NetworkMode, LinkRecord | None]
_Asked = Query | PBAError
_Told = ForecastResult | PBAError

_log = logging.getLogger("ray.serve")


class LinkService:
    """Keeps what links report, and forecasts from it.

    Parameters
    ----------
    service
        Makes forecasts.
    store
        Is read from.
    commit
        Writes to the store.
    heard
        Told of the links that have new samples, after they are committed.
    max_ahead_s
        How far a sample's time may be ahead of the clock.
    clock
        The time now.
    record_deadline_s
        How long a forecast from a given history, and `ready`, wait for the store.
    store_deadline_s
        How long all others wait for the store.
    flags
        Tell whether the arm that does not answer is asked too.
    """

    def __init__(
        self,
        service: ForecastService,
        store: Store,
        commit: GroupCommit,
        heard: Callable[[Iterable[str]], None],
        max_ahead_s: float,
        clock: Callable[[], datetime],
        record_deadline_s: float,
        store_deadline_s: float,
        flags: Callable[[], Flags] = Flags,
    ) -> None:
        self._service = service
        self._store = store
        self._commit = commit
        self._heard = heard
        self._max_ahead_s = max_ahead_s
        self._clock = clock
        self._record_deadline_s = record_deadline_s
        self._store_deadline_s = store_deadline_s
        self._keep = ForecastRecorder(service.compared, commit, flags)

    async def observe(self, reports: Sequence[SampleReport]) -> list[Receipt]:
        """Store ``reports``; return what became of each, once all are committed.

        Raises
        ------
        InvalidSample
            For a sample from the future.
        StoreUnavailable
            Where the store is away, and nothing is stored, or where it is late; then all or nothing
            is.
        """
        for report in reports:
            self._refuse_future(report, "samples")
        async with deadline(self._store_deadline_s):
            receipts = await self._commit(WriteBatch(reports))
        self._heard(report.link_id for report in reports)
        return receipts

    async def forecast(
        self, link_id: str, allocation: AllocationRequest | None = None
    ) -> ForecastResult:
        """Return the forecast from a link's stored history, with advice where that is asked for.

        Raises
        ------
        NotFound
            Where nothing is known of the link.
        """
        (made,) = await self.forecasts([link_id], allocation)
        if isinstance(made, PBAError):
            raise made
        return made

    async def forecasts(
        self, link_ids: Sequence[str], allocation: AllocationRequest | None = None
    ) -> list[ForecastResult | PBAError]:
        """Return a forecast, or what is wrong, for each of ``link_ids``, in order."""
        started = time.perf_counter()
        read_s = 0.0

        async def part(ids: Sequence[str], at_once: int) -> list[tuple[_Asked, _Told]]:
            nonlocal read_s
            queries, took_s = await self._read(ids, allocation)
            read_s += took_s
            told = await self._service.forecasts(queries, at_once)
            return list(zip(queries, told, strict=True))

        pairs = await in_chunks(link_ids, part)
        made = [told for _, told in pairs]
        self._keep([query for query, _ in pairs], made, started, read_s)
        return made

    async def _read(
        self, link_ids: Sequence[str], allocation: AllocationRequest | None
    ) -> tuple[list[_Asked], float]:
        """Return what to ask for each link, and the seconds that it took to know that."""
        started = time.perf_counter()
        async with deadline(self._store_deadline_s):
            known = await asyncio.to_thread(self._store.known, link_ids)
        queries = [_query(known, link_id, allocation) for link_id in link_ids]
        return queries, time.perf_counter() - started

    async def recorded(self, query: Query) -> ForecastResult:
        """Return the forecast for a given history of a named link, and keep both.

        Where the store is away, or not done within the deadline, the forecast says
        ``not_recorded``; what is being written by then may still be kept.

        Raises
        ------
        InvalidHistory, InvalidSample
            For too few samples, or one from the future; nothing is kept then.
        """
        (made,) = await self.all_recorded([query])
        if isinstance(made, PBAError):
            raise made
        return made

    async def all_recorded(
        self, queries: Sequence[Query | PBAError]
    ) -> list[ForecastResult | PBAError]:
        """Return a forecast, or what is wrong, for each of ``queries``, in order.

        Those of named links are kept as by `recorded`; if not all are in time, none says that it
        is. Several of one link are kept together, as if they had been asked for at once.
        """
        started = time.perf_counter()
        sound = [self._sound(query) for query in queries]
        named = [one for one in sound if isinstance(one, Query) and one.link_id is not None]
        try:
            learnt = await self._record(named) if named else {}
        except (StoreUnavailable, Busy) as error:
            _log.warning("not_recorded", extra={"count": len(named), "why": str(error)})
            return [_not_recorded(one) for one in await self._service.forecasts(sound)]
        informed = [_informed(one, learnt) for one in sound]
        read_s = time.perf_counter() - started
        made = await self._service.forecasts(informed)
        self._keep(informed, made, started, read_s)
        return made

    async def ready(self) -> None:
        """See that the store answers, and, where it refused the last write, takes one again.

        Raises
        ------
        StoreUnavailable
            Where it does not.
        """
        async with deadline(self._record_deadline_s):
            await asyncio.to_thread(self._store.ready)
            if self._commit.failing:
                await asyncio.to_thread(self._store.try_to_write)

    async def drain(self) -> None:
        """Wait until all that is to be kept is kept, or has failed."""
        await self._keep.drain()

    async def _record(self, queries: Sequence[Query]) -> dict[str, _Learnt]:
        """Keep the histories of ``queries``; return what is known of their links then.

        Raises
        ------
        StoreUnavailable
            Where that is not done in time. What is longer than one transaction should be is
            written in several, that queue behind each other, and has as many times as long.
        """
        parts = _parts([_report(query) for query in queries])
        async with deadline(self._record_deadline_s * len(parts)):
            kept = await asyncio.gather(*(self._store_together(part) for part in parts))
            modes = {name: mode for part in kept for name, mode in part.items()}
            records = await asyncio.to_thread(self._store.learnt, list(modes))
        return {name: (mode, records.get(name)) for name, mode in modes.items()}

    async def _store_together(self, reports: Sequence[SampleReport]) -> dict[str, NetworkMode]:
        """Store ``reports`` in one transaction; return the modes of their links."""
        receipts = await self._commit(WriteBatch(reports))
        self._heard(report.link_id for report in reports)
        told = zip(reports, receipts, strict=True)
        return {report.link_id: receipt.mode for report, receipt in told}

    def _sound(self, query: Query | PBAError) -> Query | PBAError:
        """Return ``query``, or what is wrong with it that is to be known before it is kept."""
        if isinstance(query, PBAError) or query.link_id is None:
            return query
        try:
            check_history(query.history)
            self._refuse_future(_report(query), "history")
        except PBAError as error:
            return error
        return query

    def _refuse_future(self, report: SampleReport, field: str) -> None:
        latest = self._clock().timestamp() + self._max_ahead_s
        if report.timestamps_s.size and report.timestamps_s.max() > latest:
            raise InvalidSample(
                f"a sample of {report.link_id} is at {report.timestamps_s.max():.3f} s, over "
                f"{self._max_ahead_s:g} s ahead of the clock here. Set the clocks, or raise "
                "PBA_MAX_AHEAD_S.",
                field,
            )


def _report(query: Query) -> SampleReport:
    assert query.link_id is not None
    return SampleReport(query.link_id, query.history.timestamps_s, query.history.telemetry)


def _parts(reports: Sequence[SampleReport]) -> list[list[SampleReport]]:
    """Return ``reports`` in parts of about as many samples as one transaction should hold."""
    parts: list[list[SampleReport]] = []
    left = 0
    for report in reports:
        if left <= 0:
            parts.append([])
            left = MOST_ROWS
        parts[-1].append(report)
        left -= len(report.timestamps_s)
    return parts


def _query(
    known: dict[str, LinkContext], link_id: str, allocation: AllocationRequest | None
) -> _Asked:
    held = known.get(link_id)
    if held is None:
        return no_such_link(link_id)
    return Query(held.history, held.mode, link_id, held.record, allocation)


def _informed(query: Query | PBAError, learnt: dict[str, _Learnt]) -> Query | PBAError:
    """Return ``query`` with what was learnt of its link, if it names one."""
    if isinstance(query, PBAError) or query.link_id is None:
        return query
    mode, record = learnt[query.link_id]
    return replace(query, mode=query.mode or mode, record=record)


def _not_recorded(made: ForecastResult | PBAError) -> ForecastResult | PBAError:
    if isinstance(made, PBAError) or made.forecast.link_id is None:
        return made
    reasons = (*made.forecast.reasons, "not_recorded")
    return replace(made, forecast=replace(made.forecast, reasons=reasons))
