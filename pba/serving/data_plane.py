"""What callers may ask of the service, whatever protocol they speak.

HTTP routes, gRPC servicers and handle calls read their request into domain objects, call one method
here, and write the answer. Nothing here knows a wire format.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from pba.errors import Busy, InvalidInput, PBAError, StoreUnavailable
from pba.forecasting import ForecastResult, Query
from pba.forecasting.allocation import AllocationRequest
from pba.scoring.transfer_sums import RecordedTransfer
from pba.serving.admission import Admission
from pba.serving.caller_limits import CallerLimits
from pba.serving.forecast_service import ForecastService
from pba.serving.lazy_queries import LazyQueries
from pba.serving.link_service import LinkService
from pba.serving.new_links import NewLinks
from pba.serving.pools import Pools
from pba.store import Receipt, SampleReport
from pba.types import Forecast, check_link_id

__all__ = ["DataPlane", "RequestMeter"]

_Result = TypeVar("_Result")

_REPORT_SHARE = 8
"""Reports in flight are at most one in so many of the requests that a router admits."""

_FLAG_CALLS = 32


class RequestMeter(Protocol):
    """Counts what the data plane does."""

    def count_error(self, call: str, error: PBAError) -> None:
        """Count a refused request."""

    def count_limit(self, role: str, limit: str) -> None:
        """Count a call that is refused because a caller of ``role`` has reached a limit."""

    def count_forecast(self, forecast: Forecast, seconds: float) -> None:
        """Count one forecast, and how long it took."""

    def count_bulk(self, items: Sequence[Forecast | PBAError]) -> None:
        """Count the items of a bulk request."""

    def count_samples(self, receipts: Sequence[Receipt]) -> None:
        """Count the samples of reports that were written."""

    def count_lost_samples(self, reports: Sequence[SampleReport]) -> None:
        """Count the samples of reports that the store did not take."""

    def count_not_recorded(self, count: int) -> None:
        """Count forecasts of named links that the store did not take."""

    def time_store(self, pool: str, seconds: float) -> None:
        """Count a call of the store, in the threads ``pool``."""


class DataPlane:
    """Forecasts, samples and the store's reports, admitted and counted.

    Parameters
    ----------
    forecasts
        Forecasts from histories.
    links
        Stores samples, and forecasts from what is stored.
    max_in_flight
        How many requests are admitted at a time; one more is refused at once, not queued.
        Reports are admitted beside them, an eighth as many, and so are calls of the flags.
    meter
        Counts requests.
    new_links
        Refuses links that a caller may not bring into being; None where all may.

    Attributes
    ----------
    limits
        Know what each caller may use.
    new_links
        As given.
    """

    def __init__(
        self,
        forecasts: ForecastService,
        links: LinkService,
        max_in_flight: int,
        meter: RequestMeter,
        new_links: NewLinks | None = None,
    ) -> None:
        self._forecasts = forecasts
        self._links = links
        self._requests = Admission(max_in_flight)
        self._reports = Admission(max(1, max_in_flight // _REPORT_SHARE), "reports")
        self._flag_calls = Admission(_FLAG_CALLS, "calls of flags")
        self._meter = meter
        self.new_links = new_links
        self.limits = CallerLimits() if new_links is None else new_links.limits

    @property
    def pools(self) -> Pools:
        """Where blocking calls run."""
        return self._links.pools

    @property
    def in_flight(self) -> int:
        """How many requests are admitted now."""
        return self._requests.in_flight + self._reports.in_flight

    @property
    def admitted(self) -> int:
        """How many requests have been admitted so far."""
        return self._requests.admitted + self._reports.admitted

    @contextlib.contextmanager
    def admit(self, call: str) -> Iterator[float]:
        """Admit one request and count the error that ends it, if one does.

        Yields when it started, by `time.perf_counter`. Reading the request belongs inside.

        Raises
        ------
        Busy
            If too many requests are in flight.
        """
        started = time.perf_counter()
        with self._counted_errors(call), self._requests.admit():
            yield started

    async def forecast(self, query: Query, started: float) -> Forecast:
        """Return the forecast for ``query``; the history of a named link is stored with it."""
        if query.link_id is None:
            result = await self._forecasts.forecast(query)
        else:
            result = await self._links.given.forecast(query)
        return self._counted(result, started)

    async def forecasts(self, queries: Sequence[Query | PBAError]) -> list[Forecast | PBAError]:
        """Return a forecast, or an error, for each query in order; as `forecast`."""
        if isinstance(queries, LazyQueries):  # nothing to store
            return self._all_counted(await self._forecasts.forecasts(queries))
        return self._all_counted(await self._links.given.forecasts(queries))

    async def link_forecast(
        self,
        link_id: str,
        allocation: AllocationRequest | None,
        started: float,
        as_of_newest: bool = False,
        recorded: bool = True,
    ) -> Forecast:
        """Return the forecast from a link's stored history; ``recorded`` is as in `LinkService`."""
        name = check_link_id(link_id)
        result = await self._links.forecast(name, allocation, as_of_newest, recorded)
        return self._counted(result, started)

    async def link_forecasts(
        self,
        link_ids: Sequence[str],
        allocation: AllocationRequest | None,
        as_of_newest: bool = False,
        recorded: bool = True,
    ) -> list[Forecast | PBAError]:
        """Return a forecast, or an error, for each link in order; as `link_forecast`."""
        errors = [_name_error(link_id) for link_id in link_ids]
        pairs = zip(link_ids, errors, strict=True)
        names = [link_id for link_id, error in pairs if error is None]
        results = iter(await self._links.forecasts(names, allocation, as_of_newest, recorded))
        return self._all_counted([next(results) if error is None else error for error in errors])

    def record_transfers(self, transfers: Sequence[RecordedTransfer]) -> None:
        """Record forecasts of transfers over named links, to be scored, without waiting for it."""
        self._links.recorder.record_transfers(transfers)

    async def observe(self, reports: Sequence[SampleReport]) -> list[Receipt]:
        """Store samples; return a receipt for each report, once all are committed."""
        with self._counted_losses(reports):
            receipts = await self._links.observe(reports)
        self._meter.count_samples(receipts)
        return receipts

    async def observe_and_forecast(
        self,
        reports: Sequence[SampleReport],
        allocation: AllocationRequest | None,
        started: float,
        as_of_newest: bool = False,
    ) -> list[tuple[Receipt, Forecast | PBAError]]:
        """Store samples; return for each report its receipt, and its link's forecast or an error.

        Raises
        ------
        StoreUnavailable
            With the forecasts from what the reports themselves hold.
        """
        with self._counted_losses(reports):
            pairs = await self._links.observe_and_forecast(reports, allocation, as_of_newest)
        self._meter.count_samples([receipt for receipt, _ in pairs])
        if len(pairs) == 1:
            ((receipt, result),) = pairs
            if isinstance(result, ForecastResult):
                return [(receipt, self._counted(result, started))]
        items = self._all_counted([item for _, item in pairs])
        return [(receipt, item) for (receipt, _), item in zip(pairs, items, strict=True)]

    async def read_store(self, call: Callable[..., _Result], *inputs: Any) -> _Result:
        """Return what ``call`` returns that reads the store for a report, within the deadline.

        Reports have an admission of their own, so that slow ones leave room for forecasts.

        Raises
        ------
        Busy
            If too many reports are in flight.
        """
        with self._counted_errors("links"), self._reports.admit():
            return await self._links.call_store(self.pools.reports, call, *inputs)

    async def call_flags(self, call: Callable[..., _Result], *inputs: Any) -> _Result:
        """Return what ``call`` of the store's flags returns; nothing else is in its way.

        Raises
        ------
        Busy
            If too many such calls are in flight.
        """
        with self._counted_errors("flags"), self._flag_calls.admit():
            return await self._links.call_store(self.pools.flags, call, *inputs)

    async def drain(self) -> None:
        """Wait until all that was forecast is recorded, or has failed to be."""
        await self._links.drain()

    async def ready(self) -> None:
        """Check that the store answers; raises `StoreUnavailable`."""
        await self._links.ready()

    @contextlib.contextmanager
    def _counted_errors(self, call: str) -> Iterator[None]:
        try:
            yield
        except PBAError as error:
            self._meter.count_error(call, error)
            raise

    @contextlib.contextmanager
    def _counted_losses(self, reports: Sequence[SampleReport]) -> Iterator[None]:
        try:
            yield
        except (Busy, StoreUnavailable):
            self._meter.count_lost_samples(reports)
            raise

    def _counted(self, result: ForecastResult, started: float) -> Forecast:
        self._meter.count_forecast(result.forecast, time.perf_counter() - started)
        return result.forecast

    def _all_counted(
        self, results: Sequence[ForecastResult | PBAError]
    ) -> list[Forecast | PBAError]:
        items = [item.forecast if isinstance(item, ForecastResult) else item for item in results]
        self._meter.count_bulk(items)
        return items


def _name_error(link_id: str) -> PBAError | None:
    try:
        check_link_id(link_id)
    except InvalidInput as error:
        return error
    return None
