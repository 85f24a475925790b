"""Named links: their samples are stored, and forecasts start from what is stored."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from pba.errors import Busy, PBAError, StoreUnavailable
from pba.forecasting import ForecastResult, Query, check_history
from pba.forecasting.allocation import AllocationRequest
from pba.forecasting.link_record import LinkRecord
from pba.serving.chunking import CHUNK, in_chunks
from pba.serving.deadlines import store_deadline
from pba.serving.flag_watch import FixedFlags, FlagSource
from pba.serving.forecast_service import ForecastService
from pba.serving.group_commit import GroupCommit, split_by_transaction
from pba.serving.pools import Pool, Pools
from pba.serving.recorder import ForecastRecorder
from pba.serving.sample_reports import ClockLimit, receipts_of
from pba.store import LinkContext, Receipt, SampleReport, Store, WriteBatch
from pba.store.store import no_such_link
from pba.types import NetworkMode

__all__ = ["LinkService"]

_Result = TypeVar("_Result")
_LinkState = tuple[NetworkMode | None, LinkRecord | None]
_Pair = tuple[Query | PBAError, ForecastResult | PBAError]

_DEFAULT_FLAGS = FixedFlags()
_DEFAULT_POOLS = Pools()

_log = logging.getLogger(__name__)


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
        self._store = store
        self._commit = commit
        self._max_ahead_s = max_ahead_s
        self._clock = clock
        self._record_deadline_s = record_deadline_s
        self._store_deadline_s = store_deadline_s
        self.pools = pools
        self._recorder = ForecastRecorder(service.compare, commit, flags)

    async def observe(self, reports: Sequence[SampleReport]) -> list[Receipt]:
        """Store ``reports``; return a receipt for each, once all are committed.

        Samples from the future are refused, each for itself.

        Raises
        ------
        StoreUnavailable
            If the store does not answer. If it does not answer in time, either all or nothing is
            stored.
        """
        limit = self._clock_limit()
        checked = [limit.applied(report) for report in reports]
        filled = [report for report in checked if report.timestamps_s.size]
        stored: list[Receipt] = []
        if filled:
            async with store_deadline(self._store_deadline_s):
                stored = await self._write(filled)
        return receipts_of(checked, iter(stored))

    async def forecast(
        self,
        link_id: str,
        allocation: AllocationRequest | None = None,
        as_of_newest: bool = False,
    ) -> ForecastResult:
        """Return the forecast from a link's stored history, with advice if requested.

        ``as_of_newest`` is as in `pba.forecasting.Query`.

        Raises
        ------
        NotFound
            If the store has no such link.
        """
        started = time.perf_counter()
        queries, read_s = await self._read([link_id], allocation, as_of_newest)
        results = await self._service.forecast_chunk(queries)
        self._recorder.record(queries, results, started, read_s)
        return _single(results)

    async def forecasts(
        self,
        link_ids: Sequence[str],
        allocation: AllocationRequest | None = None,
        as_of_newest: bool = False,
    ) -> list[ForecastResult | PBAError]:
        """Return a forecast, or an error, for each of ``link_ids``, in order, chunk by chunk."""
        started = time.perf_counter()
        read_s = 0.0

        async def forecast_chunk(chunk: Sequence[str], concurrent: int) -> list[_Pair]:
            nonlocal read_s
            queries, took_s = await self._read(chunk, allocation, as_of_newest)
            read_s += took_s
            results = await self._service.forecast_chunk(queries, concurrent)
            return list(zip(queries, results, strict=True))

        pairs = await in_chunks(link_ids, forecast_chunk, self._service.chunks_at_once)
        results = [result for _, result in pairs]
        self._recorder.record([query for query, _ in pairs], results, started, read_s)
        return results

    async def record_and_forecast(self, query: Query) -> ForecastResult:
        """Store the given history of a named link, and return the forecast from it.

        If the store does not answer within the deadline, the forecast has the reason
        ``not_recorded``; what is being written by then may still be stored.

        Raises
        ------
        InvalidHistory, InvalidSample
            For too few samples, or one from the future; nothing is stored.
        """
        return _single(await self.record_and_forecast_all([query]))

    async def record_and_forecast_all(
        self, queries: Sequence[Query | PBAError]
    ) -> list[ForecastResult | PBAError]:
        """Return a forecast, or an error, for each query in order; store those of named links.

        As `record_and_forecast`. If the store does not answer in time, no forecast counts as
        recorded. Several histories of one link are stored together.
        """
        started = time.perf_counter()
        service, single = self._service, len(queries) <= CHUNK
        forecast = service.forecast_chunk if single else service.forecasts
        valid = [self._validated(query) for query in queries]
        named = [query for query in valid if isinstance(query, Query) and query.link_id is not None]
        try:
            states = await self._store_histories(named) if named else {}
        except (StoreUnavailable, Busy) as error:
            _log.warning("not_recorded", extra={"count": len(named), "why": str(error)})
            return [_not_recorded(result) for result in await forecast(valid)]
        informed = [_informed(query, states) for query in valid]
        read_s = time.perf_counter() - started
        results = await forecast(informed)
        self._recorder.record(informed, results, started, read_s)
        return results

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
        async with store_deadline(self._store_deadline_s):
            return await pool(partial(call, *inputs))

    async def drain(self) -> None:
        """Wait until every recording has ended, successfully or not."""
        await self._recorder.drain()

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

    async def _store_histories(self, queries: Sequence[Query]) -> dict[str, _LinkState]:
        """Store the histories of ``queries``; return the mode and record of their links.

        Raises
        ------
        StoreUnavailable
            If the store does not answer in time. More rows than fit one transaction are written in
            several, which queue behind each other and have as many times as long.
        """
        batches = split_by_transaction([_report(query) for query in queries])
        async with store_deadline(self._record_deadline_s * len(batches)):
            receipts = await asyncio.gather(
                *(self._write(batch, with_records=True) for batch in batches)
            )
        return {
            report.link_id: (receipt.mode, receipt.record)
            for batch, answers in zip(batches, receipts, strict=True)
            for report, receipt in zip(batch, answers, strict=True)
        }

    async def _write(
        self, reports: Sequence[SampleReport], with_records: bool = False
    ) -> list[Receipt]:
        return await self._commit(WriteBatch(reports, with_records=with_records))

    def _validated(self, query: Query | PBAError) -> Query | PBAError:
        """Return ``query``, or the error that must be known before its history is stored."""
        if isinstance(query, PBAError) or query.link_id is None:
            return query
        try:
            check_history(query.history)
        except PBAError as error:
            return error
        limit, times_s = self._clock_limit(), query.history.timestamps_s
        row = limit.first_ahead(times_s)
        return query if row is None else limit.error(times_s[row], f"history[{row}].timestamp")

    def _clock_limit(self) -> ClockLimit:
        return ClockLimit(self._clock().timestamp(), self._max_ahead_s)


def _single(results: Sequence[ForecastResult | PBAError]) -> ForecastResult:
    """Return the only one of ``results``, or raise it."""
    (result,) = results
    if isinstance(result, PBAError):
        raise result
    return result


def _report(query: Query) -> SampleReport:
    assert query.link_id is not None
    return SampleReport(query.link_id, query.history.timestamps_s, query.history.telemetry)


def _query(
    contexts: dict[str, LinkContext],
    link_id: str,
    allocation: AllocationRequest | None,
    as_of_newest: bool,
) -> Query | PBAError:
    context = contexts.get(link_id)
    if context is None:
        return no_such_link(link_id)
    history, record = context.history, context.record
    return Query(history, context.mode, link_id, record, allocation, as_of_newest=as_of_newest)


def _informed(query: Query | PBAError, states: dict[str, _LinkState]) -> Query | PBAError:
    """Return ``query`` with the mode and record of its link, if it names one."""
    if isinstance(query, PBAError) or query.link_id is None:
        return query
    mode, record = states[query.link_id]
    return replace(query, mode=query.mode or mode, record=record)


def _not_recorded(result: ForecastResult | PBAError) -> ForecastResult | PBAError:
    if isinstance(result, PBAError) or result.forecast.link_id is None:
        return result
    reasons = (*result.forecast.reasons, "not_recorded")
    return replace(result, forecast=replace(result.forecast, reasons=reasons))
