"""The service `pba.v1.Predictor`: each call reads a message, calls the data plane, and answers."""

from typing import TypeAlias

import grpc

from pba.serving import scoped_calls
from pba.serving.data_plane import DataPlane

from ..large_requests import read_request, write_answer
from . import pba_pb2 as pb, pba_pb2_grpc, responses
from .access_control import caller
from .call_status import complete
from .refused_calls import RefusedCalls
from .requests import read_advice, read_queries, read_query, read_reports

__all__ = ["Predictor"]

Context: TypeAlias = grpc.aio.ServicerContext


class Predictor(pba_pb2_grpc.PredictorServicer):
    """Answers each call from ``plane``; one call carries at most ``limit`` items.

    ``refused`` counts calls about links that a key is not for.
    """

    def __init__(self, plane: DataPlane, limit: int, refused: RefusedCalls) -> None:
        self._plane = plane
        self._limit = limit
        self._refused = refused

    async def Forecast(self, request: pb.ForecastRequest, context: Context) -> pb.ForecastResponse:
        """Forecast from a given history."""
        return await complete(self._refused.counted(self._forecast(request), context), context)

    async def ForecastBatch(
        self, request: pb.ForecastBatchRequest, context: Context
    ) -> pb.ForecastBatchResponse:
        """Forecast from many histories at once; each is answered in its place."""
        return await complete(self._forecast_batch(request), context)

    async def Observe(self, request: pb.ObserveRequest, context: Context) -> pb.ObserveResponse:
        """Store samples of any number of links; forecast for each, if that is requested."""
        return await complete(self._observe(request), context)

    async def _forecast(self, request: pb.ForecastRequest) -> pb.ForecastResponse:
        with self._plane.admit("forecast") as started:
            query = await read_request(self._plane, read_query, request)
            query = await scoped_calls.allowed_query(self._plane, caller(), query)
            forecast = await self._plane.forecast(query, started)
        return pb.ForecastResponse(forecast=responses.forecast(forecast))

    async def _forecast_batch(self, request: pb.ForecastBatchRequest) -> pb.ForecastBatchResponse:
        with self._plane.admit("forecasts"):
            queries = await read_request(self._plane, read_queries, request, self._limit)
            allowed = await scoped_calls.allowed_queries(self._plane, caller(), queries)
            items = await self._plane.forecasts(allowed)
        return await write_answer(self._plane, responses.batch, items)

    async def _observe(self, request: pb.ObserveRequest) -> pb.ObserveResponse:
        with self._plane.admit("samples") as started:
            reports = await read_request(self._plane, read_reports, request, self._limit)
            if not request.forecast:
                stored = await scoped_calls.observe(self._plane, caller(), reports)
                return responses.receipts(reports, stored)
            advice, newest = read_advice(request), request.as_of_newest
            pairs = await scoped_calls.observe_and_forecast(
                self._plane, caller(), reports, advice, started, newest
            )
        receipts, items = [receipt for receipt, _ in pairs], [item for _, item in pairs]
        return responses.receipts(reports, receipts, items)
