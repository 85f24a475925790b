"""Streams: the forecasts of a link and events, as they come."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Header, Request, Response

from pba.errors import InvalidInput, quoted
from pba.serving.event_watch import EventWatcher
from pba.serving.link_watch import LinkWatcher, WatchedLinks
from pba.serving.watches import follow
from pba.store.store import no_such_link
from pba.types import Event, Forecast

from ..access_control import identity_now, identity_of
from ..event_stream import HEARTBEAT, EventStream, server_event, stream_start
from ..http import services_of
from ..openapi import describe_stream
from ..parameters import EventKind, LinkFilter, LinkId
from ..services import Services

__all__ = ["router"]

router = APIRouter(tags=["streams"])

_Item = TypeVar("_Item")

_LastEventId = Annotated[
    str | None, Header(description="The id of the last event of the stream before this one.")
]


@router.get(
    "/v1/links/{link_id}/watch",
    **describe_stream("watch_link", "Forecasts, each as of GET /v1/links/{link_id}/forecast."),
)
async def watch_link(
    request: Request, link_id: LinkId, last_event_id: _LastEventId = None
) -> Response:
    """Send the link's forecast, and a new one whenever it reports a newer sample."""
    services, identity = services_of(request), identity_of(request.scope)
    identity.require_link(link_id)
    watcher = LinkWatcher(WatchedLinks(frozenset([link_id])), identity.records)
    if last_event_id is not None:
        watcher.skip(link_id, _sample_time(last_event_id))
    if not await services.plane.read_store(services.store.existing_links, [link_id]):
        raise no_such_link(link_id)

    async def parts() -> AsyncGenerator[bytes, None]:
        with services.watches.streams.admit():
            async with services.watches.links.watch(watcher):
                async for part in _parts(request, services, watcher.next, _forecast_event):
                    yield part

    return EventStream(parts())


@router.get(
    "/v1/events/watch",
    **describe_stream("watch_events", "Events, each as in GET /v1/events."),
)
async def watch_events(
    request: Request,
    kind: EventKind = None,
    link_id: LinkFilter = None,
    last_event_id: _LastEventId = None,
) -> Response:
    """Send events as they happen; with Last-Event-ID, first those after it."""
    services, identity = services_of(request), identity_of(request.scope)
    if link_id is not None:
        identity.require_link(link_id)
    after = None if last_event_id is None else _event_number(last_event_id)
    watcher = EventWatcher(identity.scope, kind, link_id, after)

    async def parts() -> AsyncGenerator[bytes, None]:
        with services.watches.streams.admit():
            async with services.watches.events.watch(watcher):
                async for part in _parts(request, services, watcher.next, _event):
                    yield part

    return EventStream(parts())


async def _parts(
    request: Request,
    services: Services,
    following: Callable[[float], Awaitable[Sequence[_Item]]],
    encode: Callable[[_Item], bytes],
) -> AsyncGenerator[bytes, None]:
    """Yield the start of a stream and what follows; raises as `follow`."""
    yield stream_start()
    identify, lasts_s = partial(identity_now, request.scope), services.watches.lasts_s
    async for items in follow(following, identify, lasts_s):
        yield b"".join(map(encode, items)) or HEARTBEAT


def _forecast_event(forecast: Forecast) -> bytes:
    body: dict[str, Any] = forecast.as_dict()
    return server_event("forecast", body, f"{forecast.link_id}@{body['newest_sample_at']}")


def _event(event: Event) -> bytes:
    return server_event(event.kind, event.as_dict(), str(event.number))


def _sample_time(event_id: str) -> datetime:
    """Return the time of the newest sample that the id of a forecast names."""
    try:
        moment = datetime.fromisoformat(event_id.rpartition("@")[2])
        if moment.tzinfo is not None:
            return moment
    except ValueError:
        pass
    raise InvalidInput(
        f"Last-Event-ID is {quoted(event_id)}; it is the id of an event of this stream, such as "
        "fra1:ams2@2026-03-01T12:00:59Z. Leave it out to begin with the newest forecast.",
        "last-event-id",
    )


def _event_number(event_id: str) -> int:
    if event_id.isascii() and event_id.isdigit() and len(event_id) < 19:
        return int(event_id)
    raise InvalidInput(
        f"Last-Event-ID is {quoted(event_id)}; it is the number of an event. Leave it out for what "
        "happens from now on.",
        "last-event-id",
    )
