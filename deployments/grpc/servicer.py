"""The service `pba.v1.Predictor`: each call reads a message, calls the data plane, and answers."""

from collections.abc import AsyncIterator
from typing import TypeAlias

import grpc

from pba.serving import scoped_calls
from pba.serving.admission import Admission
from pba.serving.chunking import AT_ONCE
from pba.serving.data_plane import DataPlane
from pba.serving.transfers import transfer, transfers
from pba.serving.watches import Watches

from ..large_requests import read_request, write_answer
from . import pba_pb2 as pb, pba_pb2_grpc, responses, transfer_responses
from .access_control import caller
from .call_status import complete, complete_stream
from .link_requests import read_link_id, read_link_ids, read_transfer, read_transfers
from .refused_calls import RefusedCalls
from .requests import read_advice, read_queries, read_query, read_reports
from .stream_calls import answer_histories, watch_events, watch_links

__all__ = ["Predictor"]

Context: TypeAlias = grpc.aio.ServicerContext


class Predictor(pba_pb2_grpc.PredictorServicer):
    """Answers each call from ``plane`` and ``watches``; one call carries at most ``limit`` items.

    ``refused`` counts calls about links that a key is not for, and up to ``streams`` streams of
    histories are open at a time: each may have a message of the largest size on its way.
    """

    def __init__(
        self,
        plane: DataPlane,
        watches: Watches,
        limit: int,
        refused: RefusedCalls,
        streams: int,
    ) -> None:
        self._histories = Admission(streams, "streams of histories")
        self._plane = plane
        self._watches = watches
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

    async def ForecastStream(
        self, requests: AsyncIterator[pb.ForecastBatchRequest], context: Context
    ) -> AsyncIterator[pb.ForecastBatchResponse]:
        """Forecast from histories as they come, each request as `ForecastBatch` does, in order."""
        at_once = self._plane.limits.at_once(caller(), AT_ONCE)
        answers = answer_histories(self._histories, requests, self._stream_request, at_once)
        async for response in complete_stream(answers, context):
            yield response

    async def Observe(self, request: pb.ObserveRequest, context: Context) -> pb.ObserveResponse:
        """Store samples of any number of links; forecast for each, if that is requested."""
        return await complete(self._observe(request), context)

    async def LinkForecast(
        self, request: pb.LinkForecastRequest, context: Context
    ) -> pb.LinkForecastResponse:
        """Forecast from what a link has stored."""
        return await complete(self._refused.counted(self._link_forecast(request), context), context)

    async def LinkForecasts(
        self, request: pb.LinkForecastsRequest, context: Context
    ) -> pb.LinkForecastsResponse:
        """Forecast for many links from what they have stored; each is answered in its place."""
        return await complete(self._link_forecasts(request), context)

    async def Transfer(self, request: pb.TransferRequest, context: Context) -> pb.TransferResponse:
        """Forecast how long a transfer takes."""
        return await complete(self._refused.counted(self._transfer(request), context), context)

    async def Transfers(
        self, request: pb.TransfersRequest, context: Context
    ) -> pb.TransfersResponse:
        """Forecast many transfers; each is answered in its place."""
        return await complete(self._transfers(request), context)

    async def Watch(
        self, request: pb.WatchRequest, context: Context
    ) -> AsyncIterator[pb.WatchResponse]:
        """Send the newest forecast of each link, and a new one whenever it has a newer sample."""
        responses = watch_links(self._watches, request, self._limit)
        async for response in complete_stream(responses, context):
            yield response

    async def WatchEvents(
        self, request: pb.WatchEventsRequest, context: Context
    ) -> AsyncIterator[pb.WatchEventsResponse]:
        """Send events as they happen."""
        async for response in complete_stream(watch_events(self._watches, request), context):
            yield response

    async def _forecast(self, request: pb.ForecastRequest) -> pb.ForecastResponse:
        with self._plane.admit("forecast") as started:
            query = await read_request(self._plane, read_query, request)
            query = await scoped_calls.allowed_query(self._plane, caller(), query)
            forecast = await self._plane.forecast(query, started)
        response = pb.ForecastResponse()
        responses.fill_forecast(response.forecast, forecast)
        return response

    async def _forecast_batch(self, request: pb.ForecastBatchRequest) -> pb.ForecastBatchResponse:
        with self._plane.admit("forecasts"):
            queries = await read_request(self._plane, read_queries, request, self._limit)
            allowed = await scoped_calls.allowed_queries(self._plane, caller(), queries)
            items = await self._plane.forecasts(allowed)
        return await write_answer(self._plane, responses.batch, items)

    async def _stream_request(self, request: pb.ForecastBatchRequest) -> pb.ForecastBatchResponse:
        self._plane.limits.admit_request(caller())
        return await self._forecast_batch(request)

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

    async def _link_forecast(self, request: pb.LinkForecastRequest) -> pb.LinkForecastResponse:
        newest = request.as_of_newest
        with self._plane.admit("link_forecast") as started:
            link_id, advice = read_link_id(request)
            forecast = await scoped_calls.link_forecast(
                self._plane, caller(), link_id, advice, started, newest
            )
        response = pb.LinkForecastResponse()
        responses.fill_forecast(response.forecast, forecast)
        return response

    async def _link_forecasts(self, request: pb.LinkForecastsRequest) -> pb.LinkForecastsResponse:
        newest = request.as_of_newest
        with self._plane.admit("link_forecasts"):
            names, advice = await read_request(self._plane, read_link_ids, request, self._limit)
            items = await scoped_calls.link_forecasts(self._plane, caller(), names, advice, newest)
        return await write_answer(self._plane, responses.link_batch, items)

    async def _transfer(self, request: pb.TransferRequest) -> pb.TransferResponse:
        with self._plane.admit("transfer") as started:
            query = await read_request(self._plane, read_transfer, request)
            answer = await transfer(self._plane, caller(), query, started)
        return pb.TransferResponse(transfer=transfer_responses.transfer(answer))

    async def _transfers(self, request: pb.TransfersRequest) -> pb.TransfersResponse:
        with self._plane.admit("transfers"):
            queries = await read_request(self._plane, read_transfers, request, self._limit)
            items = await transfers(self._plane, caller(), queries)
        return await write_answer(self._plane, transfer_responses.transfer_batch, items)
