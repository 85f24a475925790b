"""Forecasts from histories that requests carry; those of named links are stored with them."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from pba.errors import Busy, PBAError, StoreUnavailable
from pba.forecasting import ForecastResult, Query, check_history
from pba.forecasting.link_record import LinkRecord
from pba.serving.chunking import CHUNK
from pba.serving.deadlines import store_deadline
from pba.serving.forecast_items import not_recorded, single
from pba.serving.forecast_service import ForecastService
from pba.serving.group_commit import GroupCommit, split_by_transaction
from pba.serving.recorder import ForecastRecorder
from pba.serving.sample_reports import ClockLimit
from pba.store import SampleReport, WriteBatch
from pba.types import NetworkMode

__all__ = ["GivenHistories"]

_LinkState = tuple[NetworkMode | None, LinkRecord | None]

_log = logging.getLogger(__name__)


class GivenHistories:
    """Forecasts from given histories, and stores those of named links.

    Parameters
    ----------
    service
        Forecasts from histories.
    commit
        Writes to the store.
    recorder
        Records the forecasts.
    clock_limit
        Returns how far the time of a sample may be ahead of the clock now.
    deadline_s
        How long a forecast waits for the store.
    """

    def __init__(
        self,
        service: ForecastService,
        commit: GroupCommit,
        recorder: ForecastRecorder,
        clock_limit: Callable[[], ClockLimit],
        deadline_s: float,
    ) -> None:
        self._service = service
        self._commit = commit
        self._recorder = recorder
        self._clock_limit = clock_limit
        self._deadline_s = deadline_s

    async def forecast(self, query: Query) -> ForecastResult:
        """Store the history of a named link, and return the forecast from it.

        If the store does not answer within the deadline, the forecast has the reason
        ``not_recorded``; what is being written by then may still be stored.

        Raises
        ------
        InvalidHistory, InvalidSample
            For too few samples, or one from the future; nothing is stored.
        """
        return single(await self.forecasts([query]))

    async def forecasts(
        self, queries: Sequence[Query | PBAError]
    ) -> list[ForecastResult | PBAError]:
        """Return a forecast, or an error, for each query in order; store those of named links.

        As `forecast`. If the store does not answer in time, no forecast counts as recorded.
        Several histories of one link are stored together.
        """
        started = time.perf_counter()
        service, one_chunk = self._service, len(queries) <= CHUNK
        forecast = service.forecast_chunk if one_chunk else service.forecasts
        valid = [self._validated(query) for query in queries]
        named = [query for query in valid if isinstance(query, Query) and query.link_id is not None]
        try:
            states = await self._store(named) if named else {}
        except (StoreUnavailable, Busy) as error:
            self._recorder.on_lost(len(named))
            _log.warning("not_recorded", extra={"count": len(named), "why": str(error)})
            return [not_recorded(result) for result in await forecast(valid)]
        informed = [_informed(query, states) for query in valid]
        read_s = time.perf_counter() - started
        results = await forecast(informed)
        self._recorder.record(informed, results, started, read_s)
        return results

    async def _store(self, queries: Sequence[Query]) -> dict[str, _LinkState]:
        """Store the histories of ``queries``; return the mode and record of their links.

        Raises
        ------
        StoreUnavailable
            If the store does not answer in time. More rows than fit one transaction are written in
            several, which queue behind each other and have as many times as long.
        """
        batches = split_by_transaction([_report(query) for query in queries])
        async with store_deadline(self._deadline_s * len(batches)):
            receipts = await asyncio.gather(
                *(self._commit(WriteBatch(batch, with_records=True)) for batch in batches)
            )
        return {
            report.link_id: (receipt.mode, receipt.record)
            for batch, answers in zip(batches, receipts, strict=True)
            for report, receipt in zip(batch, answers, strict=True)
        }

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


def _report(query: Query) -> SampleReport:
    assert query.link_id is not None
    history = query.history
    return SampleReport(
        query.link_id,
        history.timestamps_s,
        history.telemetry,
        during_transfer=history.during_transfer,
    )


def _informed(query: Query | PBAError, states: dict[str, _LinkState]) -> Query | PBAError:
    """Return ``query`` with the mode and record of its link, if it names one."""
    if isinstance(query, PBAError) or query.link_id is None:
        return query
    mode, record = states[query.link_id]
    return replace(query, mode=query.mode or mode, record=record)
