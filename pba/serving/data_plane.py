"""What callers may ask of the service, whatever protocol they speak.

HTTP routes, gRPC servicers and handle calls read their request into domain objects, call one method
here, and write the answer. Nothing here knows a wire format.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from pba.errors import Busy, InvalidInput, PBAError
from pba.forecasting import ForecastResult, Query
from pba.forecasting.allocation import AllocationRequest
from pba.serving.forecast_service import ForecastService
from pba.serving.lazy_queries import LazyQueries
from pba.serving.link_service import LinkService
from pba.store import Receipt, SampleReport
from pba.types import Forecast, check_link_id

__all__ = ["DataPlane", "RequestMeter"]

_Result = TypeVar("_Result")


class RequestMeter(Protocol):
    """Counts what the data plane does."""

    def count_error(self, call: str, error: PBAError) -> None:
        """Count a refused request."""

    def count_forecast(self, forecast: Forecast, seconds: float) -> None:
        """Count one forecast, and how long it took."""

    def count_bulk(self, items: Sequence[Forecast | PBAError]) -> None:
        """Count the items of a bulk request."""


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
    meter
        Counts requests.
    """

    def __init__(
        self,
        forecasts: ForecastService,
        links: LinkService,
        max_in_flight: int,
        meter: RequestMeter,
    ) -> None:
        self._forecasts = forecasts
        self._links = links
        self._max_in_flight = max_in_flight
        self._in_flight = 0
        self._meter = meter

    @property
    def in_flight(self) -> int:
        """How many requests are admitted now."""
        return self._in_flight

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
        try:
            self._refuse_one_too_many()
            self._in_flight += 1
            try:
                yield started
            finally:
                self._in_flight -= 1
        except PBAError as error:
            self._meter.count_error(call, error)
            raise

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
    ) -> Forecast:
        """Return the forecast from a link's stored history."""
        name = check_link_id(link_id)
        result = await self._links.forecast(name, allocation, as_of_newest)
        return self._counted(result, started)

    async def link_forecasts(
        self,
        link_ids: Sequence[str],
        allocation: AllocationRequest | None,
        as_of_newest: bool = False,
    ) -> list[Forecast | PBAError]:
        """Return a forecast, or an error, for each link in order."""
        errors = [_name_error(link_id) for link_id in link_ids]
        pairs = zip(link_ids, errors, strict=True)
        names = [link_id for link_id, error in pairs if error is None]
        results = iter(await self._links.forecasts(names, allocation, as_of_newest))
        return self._all_counted([next(results) if error is None else error for error in errors])

    async def observe(self, reports: Sequence[SampleReport]) -> list[Receipt]:
        """Store samples; return a receipt for each report, once all are committed."""
        return await self._links.observe(reports)

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
        pairs = await self._links.observe_and_forecast(reports, allocation, as_of_newest)
        if len(pairs) == 1:
            ((receipt, result),) = pairs
            if isinstance(result, ForecastResult):
                return [(receipt, self._counted(result, started))]
        items = self._all_counted([item for _, item in pairs])
        return [(receipt, item) for (receipt, _), item in zip(pairs, items, strict=True)]

    async def read_store(self, call: Callable[..., _Result], *inputs: Any) -> _Result:
        """Return what ``call`` of the store returns, in a thread and within the deadline."""
        with self.admit("links"):
            return await self._links.read_store(call, *inputs)

    async def ready(self) -> None:
        """Check that the store answers; raises `StoreUnavailable`."""
        await self._links.ready()

    def _refuse_one_too_many(self) -> None:
        if self._in_flight >= self._max_in_flight:
            raise Busy(
                f"{self._in_flight} requests are in flight, the limit of one router. Try again as "
                "Retry-After says, or send many forecasts in one bulk call."
            )

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
