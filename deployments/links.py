"""The closed loop's core: what is reported is kept, and forecasts start from what is kept.

Knows no Ray. Holds nothing that is missed when it dies: what was acknowledged is committed.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from deployments.service import Service
from pba.allocation import AllocationRequest
from pba.assembly import Made
from pba.errors import InvalidSample, NotFound, PBAError, StoreUnavailable
from pba.forecasting import Query
from pba.rollout import Flags
from pba.store import Batch, Known, Receipt, Report, Said, Store
from pba.store.store import no_such_link
from pba.types import Forecast

__all__ = ["Links"]

_log = logging.getLogger("ray.serve")


class Links:
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
    flags
        Tell whether the arm that does not answer is asked too.
    """

    def __init__(
        self,
        service: Service,
        store: Store,
        commit: Callable[[Batch], Awaitable[list[Receipt]]],
        heard: Callable[[Iterable[str]], None],
        max_ahead_s: float,
        clock: Callable[[], datetime],
        flags: Callable[[], Flags] = Flags,
    ) -> None:
        self._service = service
        self._store = store
        self._commit = commit
        self._heard = heard
        self._max_ahead_s = max_ahead_s
        self._clock = clock
        self._flags = flags
        self._tasks: set[asyncio.Task[None]] = set()

    async def observe(self, reports: Sequence[Report]) -> list[Receipt]:
        """Store ``reports``; return what became of each, once all are committed.

        Raises
        ------
        InvalidSample
            For a sample from the future.
        StoreUnavailable
            Where the store is away; nothing is stored then.
        """
        self._refuse_future(reports)
        receipts = await self._commit(Batch(reports))
        self._heard(report.link_id for report in reports)
        return receipts

    async def forecast(self, link_id: str, allocation: AllocationRequest | None = None) -> Made:
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
    ) -> list[Made | PBAError]:
        """Return a forecast, or what is wrong, for each of ``link_ids``, in order."""
        started = time.perf_counter()
        known = await asyncio.to_thread(self._store.known, link_ids)
        queries = [_query(known, link_id, allocation) for link_id in link_ids]
        read_s = time.perf_counter() - started
        made = await self._service.forecasts(queries)
        self._keep(queries, made, started, read_s)
        return made

    async def recorded(self, query: Query) -> Made:
        """Return the forecast for a given history of a named link, and keep both.

        Where the store is away the forecast says ``not_recorded``.
        """
        assert query.link_id is not None
        started = time.perf_counter()
        history = query.history
        report = Report(query.link_id, history.timestamps_s, history.telemetry)
        try:
            await self.observe([report])
            known = await asyncio.to_thread(self._store.known, [query.link_id])
        except StoreUnavailable as error:
            _log.warning("not_recorded", extra={"why": str(error)})
            return _not_recorded(await self._service.forecast(query))
        held = known.get(query.link_id)  # deleted in the meantime, perhaps
        mode = query.mode or (held.mode if held else None)
        known_of = replace(query, mode=mode, record=held.record if held else None)
        read_s = time.perf_counter() - started
        made = await self._service.forecast(known_of)
        self._keep([known_of], [made], started, read_s)
        return made

    async def drain(self) -> None:
        """Wait until all that is to be kept is kept, or has failed."""
        await asyncio.gather(*self._tasks)

    def _keep(
        self,
        queries: Sequence[Query | PBAError],
        made: Sequence[Made | PBAError],
        started: float,
        read_s: float,
    ) -> None:
        """Keep forecasts to be scored, and the other arm's, without having the caller wait."""
        took_ms = (time.perf_counter() - started) * 1000
        pairs = [
            (query, one)
            for query, one in zip(queries, made, strict=True)
            if isinstance(query, Query) and isinstance(one, Made)
        ]
        if pairs:
            self._later(self._write([said(one, took_ms) for _, one in pairs]))
        if pairs and self._flags().shadow:
            others = [
                replace(query, arm=one.arm.other, mode=one.forecast.mode, allocation=None)
                for query, one in pairs
            ]
            self._later(self._shadow(others, read_s))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _shadow(self, queries: Sequence[Query], read_s: float) -> None:
        """Keep what the other arm would have said; it may fail, for nobody was promised it."""
        started = time.perf_counter()
        try:
            made = await self._service.compared(queries)
        except PBAError as error:
            _log.warning("not_compared", extra={"count": len(queries), "why": str(error)})
            return
        took_ms = (read_s + time.perf_counter() - started) * 1000
        if made:
            await self._write([said(one, took_ms, served=False) for one in made])

    async def _write(self, kept: Sequence[Said]) -> None:
        try:
            await self._commit(Batch(said=kept))
        except PBAError as error:
            _log.warning("forecast_not_kept", extra={"count": len(kept), "why": str(error)})

    def _refuse_future(self, reports: Sequence[Report]) -> None:
        latest = self._clock().timestamp() + self._max_ahead_s
        for report in reports:
            if report.timestamps_s.size and report.timestamps_s.max() > latest:
                raise InvalidSample(
                    f"a sample of {report.link_id} is at {report.timestamps_s.max():.3f} s, over "
                    f"{self._max_ahead_s:g} s ahead of the clock here. Set the clocks, or raise "
                    "PBA_MAX_AHEAD_S.",
                    "samples",
                )


def said(made: Made, took_ms: float, served: bool = True) -> Said:
    """Return what is kept of a forecast of a named link."""
    forecast = made.forecast
    assert forecast.link_id is not None
    return Said(
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


def _query(
    known: dict[str, Known], link_id: str, allocation: AllocationRequest | None
) -> Query | NotFound:
    held = known.get(link_id)
    if held is None:
        return no_such_link(link_id)
    return Query(held.history, held.mode, link_id, held.record, allocation)


def _not_recorded(made: Made) -> Made:
    forecast: Forecast = made.forecast
    return replace(made, forecast=replace(forecast, reasons=(*forecast.reasons, "not_recorded")))
