"""Named links: their samples are stored, and forecasts start from what is stored."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from pba.errors import InvalidInput, PBAError, StoreUnavailable
from pba.forecasting import ForecastResult, Query
from pba.forecasting.allocation import AllocationRequest
from pba.serving.chunking import in_chunks
from pba.serving.deadlines import store_deadline
from pba.serving.flag_watch import FixedFlags, FlagSource
from pba.serving.forecast_items import not_recorded, single
from pba.serving.forecast_service import ForecastService
from pba.serving.given_histories import GivenHistories
from pba.serving.group_commit import GroupCommit
from pba.serving.pools import Pool, Pools
from pba.serving.recorder import ForecastRecorder
from pba.serving.sample_reports import ClockLimit, history_of, receipts_of
from pba.serving.tracing import span
from pba.store import LinkContext, Receipt, SampleReport, Store, WriteBatch
from pba.store.store import no_such_link
from pba.types import check_link_id

__all__ = ["LinkService"]

_Result = TypeVar("_Result")
_Pair = tuple[Query | PBAError, ForecastResult | PBAError]

_DEFAULT_FLAGS = FixedFlags()
_DEFAULT_POOLS = Pools()


class LinkService:
    """Stores what links report, and forecasts from it.

    It holds nothing that is lost when it dies: an acknowledged sample is committed.

    Parameters
    ----------
    service
        Forecasts from histories.
    store
        Read from here.
    commit
        Writes to the store.
    max_ahead_s
        How far a sample's time may be ahead of the clock.
    clock
        The time now.
    record_deadline_s
        How long a forecast from a given history, and `ready`, wait for the store.
    store_deadline_s
        How long other calls wait for the store.
    flags
        Know whether shadow mode is on.
    pools
        Where calls of the store run.

    Attributes
    ----------
    given
        Forecasts from histories that requests carry.
    recorder
        Records forecasts in the background.
    """

    def __init__(
        self,
        service: ForecastService,
        store: Store,
        commit: GroupCommit,
        max_ahead_s: float,
        clock: Callable[[], datetime],
        record_deadline_s: float,
        store_deadline_s: float,
        flags: FlagSource = _DEFAULT_FLAGS,
        pools: Pools = _DEFAULT_POOLS,
    ) -> None:
        self._service = service
        self._store, self._commit = store, commit
        self._max_ahead_s = max_ahead_s
        self._clock, self.pools = clock, pools
        self._record_deadline_s = record_deadline_s
        self._store_deadline_s = store_deadline_s
        self.recorder = ForecastRecorder(service.compare, commit, flags)
        self.given = GivenHistories(
            service, commit, self.recorder, self._clock_limit, record_deadline_s
        )

    async def observe(self, reports: Sequence[SampleReport]) -> list[Receipt]:
        """Store ``reports``; return a receipt for each, once all are committed.

        Samples from the future are refused, each for itself.

        Raises
        ------
        StoreUnavailable
            If the store does not answer. If it does not answer in time, either all or nothing is
            stored.
        """
        checked = self._checked(reports)
        return receipts_of(checked, iter(await self._write(checked)))

    async def observe_and_forecast(
        self,
        reports: Sequence[SampleReport],
        allocation: AllocationRequest | None = None,
        as_of_newest: bool = False,
    ) -> list[tuple[Receipt, ForecastResult | PBAError]]:
        """Store ``reports``; return for each its receipt, and its link's forecast or an error.

        The forecast is the one that `forecast` returns afterwards; so it is that from what was
        stored before, if all samples of a report are refused.

        Raises
        ------
        StoreUnavailable
            As `observe`; its ``forecasts`` are from what the reports themselves hold.
        """
        started = time.perf_counter()
        checked = self._checked(reports)
        try:
            stored = await self._write(checked, with_contexts=True)
            contexts = await self._contexts(checked, stored)
        except StoreUnavailable as error:
            own = type(error)(error.message, error.field)  # others may have got the same instance
            own.forecasts = await self._forecasts_alone(checked, allocation, as_of_newest)
            raise own from error
        read_s = time.perf_counter() - started
        queries = [_query(contexts, one.link_id, allocation, as_of_newest) for one in checked]
        results = await self._service.forecasts(queries)
        self.recorder.record(queries, results, started, read_s)
        return list(zip(receipts_of(checked, iter(stored)), results, strict=True))

    async def forecast(
        self,
        link_id: str,
        allocation: AllocationRequest | None = None,
        as_of_newest: bool = False,
        recorded: bool = True,
    ) -> ForecastResult:
        """Return the forecast from a link's stored history, with advice if requested.

        ``as_of_newest`` is as in `pba.forecasting.Query`. A forecast that is not to be ``recorded``
        has the reason ``not_recorded``.

        Raises
        ------
        NotFound
            If the store has no such link.
        """
        started = time.perf_counter()
        queries, read_s = await self._read([link_id], allocation, as_of_newest)
        results = await self._service.forecast_chunk(queries)
        return single(self._recorded(queries, results, started, read_s, recorded))

    async def forecasts(
        self,
        link_ids: Sequence[str],
        allocation: AllocationRequest | None = None,
        as_of_newest: bool = False,
        recorded: bool = True,
    ) -> list[ForecastResult | PBAError]:
        """Return a forecast, or an error, for each of ``link_ids``, in order, chunk by chunk."""
        started = time.perf_counter()
        read_s = 0.0
        reading = asyncio.Lock()  # one chunk after the other, so that the first is soon computed

        async def forecast_chunk(chunk: Sequence[str], concurrent: int) -> list[_Pair]:
            nonlocal read_s
            async with reading:
                queries, took_s = await self._read(chunk, allocation, as_of_newest)
            read_s += took_s
            results = await self._service.forecast_chunk(queries, concurrent)
            return list(zip(queries, results, strict=True))

        pairs = await in_chunks(link_ids, forecast_chunk, self._service.chunks_at_once)
        queries, results = [query for query, _ in pairs], [result for _, result in pairs]
        return self._recorded(queries, results, started, read_s, recorded)

    async def ready(self) -> None:
        """Check that the store answers and, if it refused the last write, takes writes again.

        Raises `StoreUnavailable` if it does not.
        """
        async with store_deadline(self._record_deadline_s):
            await self.pools.flags(self._store.ready)
            if self._commit.failing:
                await self.pools.flags(self._store.check_writable)

    async def call_store(self, pool: Pool, call: Callable[..., _Result], *inputs: Any) -> _Result:
        """Return what ``call`` returns, in a thread of ``pool``; raises `StoreUnavailable`."""
        with span("store.read"):
            async with store_deadline(self._store_deadline_s):
                return await pool(partial(call, *inputs))

    async def drain(self) -> None:
        """Wait until every recording has ended, successfully or not."""
        await self.recorder.drain()

    def _recorded(
        self,
        queries: Sequence[Query | PBAError],
        results: list[ForecastResult | PBAError],
        started: float,
        read_s: float,
        recorded: bool,
    ) -> list[ForecastResult | PBAError]:
        """Return ``results``, which are recorded, or say that they are not."""
        if not recorded:
            return [not_recorded(result) for result in results]
        self.recorder.record(queries, results, started, read_s)
        return results

    async def _read(
        self,
        link_ids: Sequence[str],
        allocation: AllocationRequest | None,
        as_of_newest: bool = False,
    ) -> tuple[list[Query | PBAError], float]:
        """Return the query of each link, and the seconds that reading the store took."""
        started = time.perf_counter()
        contexts = await self.call_store(self.pools.reads, self._store.link_contexts, link_ids)
        queries = [_query(contexts, name, allocation, as_of_newest) for name in link_ids]
        return queries, time.perf_counter() - started

    async def _write(
        self, reports: Sequence[SampleReport], with_contexts: bool = False
    ) -> list[Receipt]:
        """Store the samples of ``reports``; return a receipt for each that has some."""
        filled = [report for report in reports if report.timestamps_s.size]
        if not filled:
            return []
        async with store_deadline(self._store_deadline_s):
            return await self._commit(WriteBatch(filled, with_contexts=with_contexts))

    async def _contexts(
        self, reports: Sequence[SampleReport], stored: Sequence[Receipt]
    ) -> dict[str, LinkContext]:
        """Return what the links of ``reports`` have stored: as ``stored`` says, else as read."""
        contexts = {one.context.link_id: one.context for one in stored if one.context is not None}
        others = [
            report.link_id
            for report in reports
            if report.link_id not in contexts and _name_error(report.link_id) is None
        ]
        if others:  # all their samples are refused
            contexts |= await self.call_store(self.pools.reads, self._store.link_contexts, others)
        return contexts

    async def _forecasts_alone(
        self,
        reports: Sequence[SampleReport],
        allocation: AllocationRequest | None,
        as_of_newest: bool,
    ) -> dict[str, Any]:
        """Return by link the forecast, or the error, from a report alone."""
        query_of = partial(Query, allocation=allocation, as_of_newest=as_of_newest)
        queries = [
            _name_error(report.link_id) or query_of(history_of(report), link_id=report.link_id)
            for report in reports
        ]
        results = [not_recorded(result) for result in await self._service.forecasts(queries)]
        return {
            report.link_id: result.forecast if isinstance(result, ForecastResult) else result
            for report, result in zip(reports, results, strict=True)
        }

    def _checked(self, reports: Sequence[SampleReport]) -> list[SampleReport]:
        """Return ``reports`` with samples from the future among those refused."""
        limit = self._clock_limit()
        return [limit.applied(report) for report in reports]

    def _clock_limit(self) -> ClockLimit:
        return ClockLimit(self._clock().timestamp(), self._max_ahead_s)


def _query(
    contexts: Mapping[str, LinkContext],
    link_id: str,
    allocation: AllocationRequest | None,
    as_of_newest: bool,
) -> Query | PBAError:
    context = contexts.get(link_id)
    if context is None:
        return _name_error(link_id) or no_such_link(link_id)
    history, record = context.history, context.record
    return Query(history, context.mode, link_id, record, allocation, as_of_newest=as_of_newest)


def _name_error(link_id: str) -> PBAError | None:
    try:
        check_link_id(link_id)
    except InvalidInput as error:
        return error
    return None
