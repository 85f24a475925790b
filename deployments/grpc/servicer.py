"""The service `pba.v1.Predictor`: messages in and out, all else is the core's."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

import grpc

from pba.errors import PBAError
from pba.forecasting.planning import Query
from pba.types import Forecast

from . import pba_pb2 as pb, pba_pb2_grpc, responses
from .call_status import complete
from .requests import read_observations, read_queries, read_query

__all__ = ["Core", "Predictor"]

Queries: TypeAlias = list[Query | PBAError]
Context: TypeAlias = grpc.aio.ServicerContext


class Core(Protocol):
    """Who answers: the router, with its admission and metrics.

    Requests are read inside, so that what is wrong with one is counted too.
    """

    async def answer_one(self, read: Callable[[], Query]) -> Forecast:
        """Return the forecast for the query that ``read`` gives."""

    async def answer_many(self, read: Callable[[], Queries]) -> list[Forecast | PBAError]:
        """Return a forecast, or what is wrong, for each query that ``read`` gives."""

    async def observe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Store samples and tell what became of them, link by link."""


class Predictor(pba_pb2_grpc.PredictorServicer):
    """Answers each call from ``core``; one call carries at most ``most`` items."""

    def __init__(self, core: Core, most: int) -> None:
        self._core = core
        self._most = most

    async def Forecast(self, request: pb.ForecastRequest, context: Context) -> pb.ForecastResponse:
        """Forecast from a given history."""
        return await complete(self._forecast(request), context)

    async def ForecastBatch(
        self, request: pb.ForecastBatchRequest, context: Context
    ) -> pb.ForecastBatchResponse:
        """Forecast from many histories at once; each is answered in its place."""
        return await complete(self._batch(request), context)

    async def Observe(self, request: pb.ObserveRequest, context: Context) -> pb.ObserveResponse:
        """Store samples of any number of links."""
        return await complete(self._observe(request), context)

    async def _forecast(self, request: pb.ForecastRequest) -> pb.ForecastResponse:
        made = await self._core.answer_one(lambda: read_query(request))
        return pb.ForecastResponse(forecast=responses.forecast(made))

    async def _batch(self, request: pb.ForecastBatchRequest) -> pb.ForecastBatchResponse:
        made = await self._core.answer_many(lambda: read_queries(request, self._most))
        return responses.batch(made)

    async def _observe(self, request: pb.ObserveRequest) -> pb.ObserveResponse:
        return responses.observed(await self._core.observe(read_observations(request, self._most)))
