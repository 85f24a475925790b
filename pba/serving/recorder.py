"""Forecasts of named links into the store, to be scored: what was told, and what was not."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from pba.errors import PBAError
from pba.forecasting.assembly import ForecastResult
from pba.forecasting.planning import Query
from pba.rollout import Flags
from pba.store import Receipt, StoredForecast, WriteBatch

__all__ = ["ForecastRecorder"]

_log = logging.getLogger("ray.serve")


class ForecastRecorder:
    """Keeps forecasts, and in shadow the other arm's, without having a caller wait.

    Parameters
    ----------
    compared
        Asks the arm that each query names.
    commit
        Writes to the store.
    flags
        Tell whether the arm that does not answer is asked too.
    """

    def __init__(
        self,
        compared: Callable[[Sequence[Query]], Awaitable[Sequence[ForecastResult]]],
        commit: Callable[[WriteBatch], Awaitable[list[Receipt]]],
        flags: Callable[[], Flags],
    ) -> None:
        self._compared = compared
        self._commit = commit
        self._flags = flags
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(
        self,
        queries: Sequence[Query | PBAError],
        made: Sequence[ForecastResult | PBAError],
        started: float,
        read_s: float,
    ) -> None:
        """Keep those of ``made`` that were made for a named link.

        Parameters
        ----------
        queries
            What was asked, in the same order.
        started
            When the request came, by `time.perf_counter`.
        read_s
            How long the store was read before anyone was asked: either arm needs that.
        """
        took_ms = (time.perf_counter() - started) * 1000
        pairs = [
            (query, one)
            for query, one in zip(queries, made, strict=True)
            if isinstance(query, Query) and query.link_id and isinstance(one, ForecastResult)
        ]
        if not pairs:
            return
        self._later(self._write([_said(one, took_ms, served=True) for _, one in pairs]))
        if self._flags().shadow:
            others = [
                replace(query, arm=one.arm.other, mode=one.forecast.mode, allocation=None)
                for query, one in pairs
            ]
            self._later(self._shadow(others, read_s))

    async def drain(self) -> None:
        """Wait until all that is to be kept is kept, or has failed."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _shadow(self, queries: Sequence[Query], read_s: float) -> None:
        """Keep what the other arm would have said; it may fail, for nobody was promised it."""
        started = time.perf_counter()
        try:
            made = await self._compared(queries)
        except PBAError as error:
            _log.warning("not_compared", extra={"count": len(queries), "why": str(error)})
            return
        took_ms = (read_s + time.perf_counter() - started) * 1000
        if made:
            await self._write([_said(one, took_ms, served=False) for one in made])

    async def _write(self, kept: Sequence[StoredForecast]) -> None:
        try:
            await self._commit(WriteBatch(said=kept))
        except PBAError as error:
            _log.warning("forecast_not_kept", extra={"count": len(kept), "why": str(error)})


def _said(made: ForecastResult, took_ms: float, served: bool) -> StoredForecast:
    """Return what is kept of a forecast of a named link."""
    forecast = made.forecast
    assert forecast.link_id is not None
    return StoredForecast(
        link_id=forecast.link_id,
        after_s=made.after_s,
        made_s=forecast.made_at.timestamp(),
        mode=forecast.mode.value,
        source=forecast.source,
        version=forecast.model_version or "",
        step_s=forecast.step_s,
        took_ms=took_ms,
        arm=made.arm,
        served=served,
        said={
            "points_mbps": [horizon.bandwidth_mbps for horizon in forecast.horizons],
            "confidence": [horizon.confidence for horizon in forecast.horizons],
            "unadapted": list(made.confidence),
            "quantiles_mbps": [list(horizon.quantiles_mbps) for horizon in forecast.horizons],
            "members": {name: list(points) for name, points in made.points_mbps.items()},
        },
    )
