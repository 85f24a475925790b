"""Forecasts of named links go into the store, to be scored when their actuals arrive."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from pba.errors import PBAError
from pba.forecasting import ForecastResult, Query
from pba.scoring.transfer_sums import RecordedTransfer
from pba.serving.flag_watch import FlagSource
from pba.serving.tracing import span
from pba.store import Receipt, StoredForecast, WriteBatch

__all__ = ["ForecastRecorder"]

_log = logging.getLogger(__name__)


class ForecastRecorder:
    """Records forecasts in the background, and in shadow mode those of the other arm too.

    Parameters
    ----------
    compare
        Forecasts with the arm that each query names; those that fail are left out.
    commit
        Writes to the store.
    flags
        Know whether shadow mode is on.

    Attributes
    ----------
    on_lost
        Called with how many forecasts the store did not take.
    """

    def __init__(
        self,
        compare: Callable[[Sequence[Query]], Awaitable[Sequence[ForecastResult]]],
        commit: Callable[[WriteBatch], Awaitable[list[Receipt]]],
        flags: FlagSource,
    ) -> None:
        self._compare = compare
        self._commit = commit
        self._flags = flags
        self.on_lost: Callable[[int], None] = lambda count: None
        self._tasks: set[asyncio.Task[None]] = set()

    def record(
        self,
        queries: Sequence[Query | PBAError],
        results: Sequence[ForecastResult | PBAError],
        started: float,
        read_s: float,
    ) -> None:
        """Record those of ``results`` that belong to a named link, without waiting for it.

        Parameters
        ----------
        queries
            In the order of the results.
        started
            When the request arrived, by `time.perf_counter`.
        read_s
            How long the store was read before the forecast: either arm needs that.
        """
        took_ms = (time.perf_counter() - started) * 1000
        pairs = [
            (query, result)
            for query, result in zip(queries, results, strict=True)
            if isinstance(query, Query) and query.link_id and isinstance(result, ForecastResult)
        ]
        if not pairs:
            return
        served = [_stored_forecast(result, took_ms, served=True) for _, result in pairs]
        self._start(self._write(served))
        if self._flags.current.shadow:
            others = [
                replace(query, arm=result.arm.other, mode=result.forecast.mode, allocation=None)
                for query, result in pairs
            ]
            self._start(self._shadow(others, read_s))

    def record_transfers(self, transfers: Sequence[RecordedTransfer]) -> None:
        """Record forecasts of transfers over named links, without waiting for it."""
        if transfers:
            batch = WriteBatch(transfers=transfers)
            self._start(self._commit_or_log(batch, "transfer_not_recorded", len(transfers)))

    async def drain(self) -> None:
        """Wait until every recording has ended, successfully or not."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _shadow(self, queries: Sequence[Query], read_s: float) -> None:
        """Record the other arm's forecasts; those that failed are logged: no caller knows them."""
        started = time.perf_counter()
        results = await self._compare(queries)
        if len(results) < len(queries):
            _log.warning("shadow_failed", extra={"count": len(queries) - len(results)})
        took_ms = (read_s + time.perf_counter() - started) * 1000
        if results:
            await self._write([_stored_forecast(one, took_ms, served=False) for one in results])

    async def _write(self, forecasts: Sequence[StoredForecast]) -> None:
        batch = WriteBatch(forecasts=forecasts)
        await self._commit_or_log(batch, "forecast_not_recorded", len(forecasts))

    async def _commit_or_log(self, batch: WriteBatch, event: str, count: int) -> None:
        try:
            with span("record", forecasts=count):
                await self._commit(batch)
        except PBAError as error:
            self.on_lost(count)
            _log.warning(event, extra={"count": count, "why": str(error)})


def _stored_forecast(result: ForecastResult, took_ms: float, served: bool) -> StoredForecast:
    forecast = result.forecast
    assert forecast.link_id is not None
    return StoredForecast(
        link_id=forecast.link_id,
        after_s=result.after_s,
        created_s=result.created_at.timestamp(),
        mode=forecast.mode.value,
        source=forecast.source,
        version=forecast.model_version or "",
        step_s=forecast.step_s,
        took_ms=took_ms,
        arm=result.arm,
        served=served,
        prediction={
            "points_mbps": [
                *(horizon.bandwidth_mbps for horizon in result.horizons),
                *(interval.mean_mbps for interval in result.intervals),
            ],
            "confidence": [
                *(horizon.confidence for horizon in result.horizons),
                *(interval.confidence for interval in result.intervals),
            ],
            "unadapted": list(result.confidence),
            "quantiles_mbps": [
                *(list(horizon.quantiles_mbps) for horizon in result.horizons),
                *(list(interval.quantiles_mbps) for interval in result.intervals),
            ],
            "members": {name: list(points) for name, points in result.points_mbps.items()},
        },
    )
