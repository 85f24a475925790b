"""The streams of the async client, and the source of those of the blocking one (`generate.py`)."""

import asyncio
from collections.abc import AsyncIterator

import httpx
from tenacity import AsyncRetrying

from pba.client import requests, responses, streams
from pba.client.async_calls import AsyncCalls
from pba.client.event_decoder import EventDecoder, ServerEvent
from pba.client.retries import retry_arguments
from pba.types import Event, Forecast

__all__ = ["AsyncStreams"]


class AsyncStreams(AsyncCalls):
    """Calls that yield what comes, without end.

    A stream that has ended, as each does after some minutes, is opened again, and goes on where it
    was. Opening is repeated as other calls are; then, and where the caller may not watch any more,
    the error is raised.
    """

    async def watch(self, link_id: str) -> AsyncIterator[Forecast]:
        """Yield the link's forecast, and a new one whenever it reports a newer sample.

        Who takes long for one forecast misses some, but not the newest.

        Raises
        ------
        NotFound
            If there is no such link.
        """
        async for event in self._events(requests.link_path(link_id, "/watch")):
            yield streams.read(event, Forecast.from_dict)

    async def watch_events(
        self, kind: str | None = None, link_id: str | None = None, after: int | None = None
    ) -> AsyncIterator[Event]:
        """Yield events as they happen, of one kind or one link if those are given.

        With ``after``, the number of an event, those after it come first.
        """
        path = requests.query_path("/v1/events/watch", kind=kind, link_id=link_id)
        async for event in self._events(path, "" if after is None else str(after)):
            yield streams.read(event, Event.from_dict)

    async def _events(self, path: str, last_id: str = "") -> AsyncIterator[ServerEvent]:
        """Yield what the service sends, from one stream after the other."""
        while True:
            retrying = AsyncRetrying(**retry_arguments(self._connection, self._retries, "GET"))
            try:
                response: httpx.Response = await retrying(self._open, path, last_id)
            except httpx.RequestError as error:
                raise responses.unreachable(error) from error
            try:
                if not response.is_success:
                    responses.read(response, responses.anything)
                if not streams.is_stream(response):
                    await response.aread()
                    raise responses.foreign(response)
                decoder = EventDecoder()
                async for text in response.aiter_text():
                    for event in decoder.events(text):
                        last_id = event.id or last_id
                        yield event
            except httpx.TransportError:
                pass  # the stream broke off: it is opened again
            finally:
                await response.aclose()
            await asyncio.sleep(streams.PAUSE_S)

    async def _open(self, path: str, last_id: str) -> httpx.Response:
        """Return the response to one request for a stream; all of it is read if it is an error."""
        timeout = streams.timeout(self._http.timeout)
        request = self._http.build_request(
            "GET", path, headers=streams.headers(last_id), timeout=timeout
        )
        response = await self._http.send(request, stream=True)
        if not response.is_success:
            await response.aread()  # which gives its connection back
        return response
