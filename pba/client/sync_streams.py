"""The blocking streams. Generated from `async_streams.py` by `generate.py`: edit there."""

import time
from collections.abc import Iterator

import httpx
from tenacity import Retrying

from pba.client import requests, responses, streams
from pba.client.event_decoder import EventDecoder, ServerEvent
from pba.client.retries import retry_arguments
from pba.client.sync_calls import Calls
from pba.types import Event, Forecast

__all__ = ["Streams"]


class Streams(Calls):
    """Calls that yield what comes, without end.

    A stream that has ended, as each does after some minutes, is opened again, and goes on where it
    was. Opening is repeated as other calls are; then, and where the caller may not watch any more,
    the error is raised.
    """

    def watch(self, link_id: str) -> Iterator[Forecast]:
        """Yield the link's forecast, and a new one whenever it reports a newer sample.

        Who takes long for one forecast misses some, but not the newest.

        Raises
        ------
        NotFound
            If there is no such link.
        """
        for event in self._events(requests.link_path(link_id, "/watch")):
            yield streams.read(event, Forecast.from_dict)

    def watch_events(
        self, kind: str | None = None, link_id: str | None = None, after: int | None = None
    ) -> Iterator[Event]:
        """Yield events as they happen, of one kind or one link if those are given.

        With ``after``, the number of an event, those after it come first.
        """
        path = requests.query_path("/v1/events/watch", kind=kind, link_id=link_id)
        for event in self._events(path, "" if after is None else str(after)):
            yield streams.read(event, Event.from_dict)

    def _events(self, path: str, last_id: str = "") -> Iterator[ServerEvent]:
        """Yield what the service sends, from one stream after the other."""
        while True:
            retrying = Retrying(**retry_arguments(self._connection, self._retries, "GET"))
            try:
                response: httpx.Response = retrying(self._open, path, last_id)
            except httpx.RequestError as error:
                raise responses.unreachable(error) from error
            try:
                if not response.is_success:
                    responses.read(response, responses.anything)
                if not streams.is_stream(response):
                    response.read()
                    raise responses.foreign(response)
                decoder = EventDecoder()
                for text in response.iter_text():
                    for event in decoder.events(text):
                        last_id = event.id or last_id
                        yield event
            except httpx.TransportError:
                pass  # the stream broke off: it is opened again
            finally:
                response.close()
            time.sleep(streams.PAUSE_S)

    def _open(self, path: str, last_id: str) -> httpx.Response:
        """Return the response to one request for a stream; all of it is read if it is an error."""
        timeout = streams.timeout(self._http.timeout)
        request = self._http.build_request(
            "GET", path, headers=streams.headers(last_id), timeout=timeout
        )
        response = self._http.send(request, stream=True)
        if not response.is_success:
            response.read()  # which gives its connection back
        return response
