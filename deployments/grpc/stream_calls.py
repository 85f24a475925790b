"""Calls that answer with a stream: forecasts from histories as they come, and watches."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing

from pba.errors import Forbidden, InvalidInput, TooLarge, Unavailable, quoted
from pba.security import Scope
from pba.serving.admission import Admission
from pba.serving.chunking import in_turn
from pba.serving.event_watch import EventWatcher
from pba.serving.link_watch import LinkWatcher, WatchedLinks
from pba.serving.watches import Watches, follow
from pba.types import Event, check_link_id

from . import pba_pb2 as pb
from .access_control import caller, caller_now
from .documents import message_of
from .message_parsing import refuse_unknown_fields
from .requests import check_count
from .responses import fill_forecast

__all__ = ["answer_histories", "watch_events", "watch_links"]

_MOST_PREFIXES = 50


async def answer_histories(
    streams: Admission,
    requests: AsyncIterator[pb.ForecastBatchRequest],
    answer: Callable[[pb.ForecastBatchRequest], Awaitable[pb.ForecastBatchResponse]],
    at_once: int,
) -> AsyncGenerator[pb.ForecastBatchResponse, None]:
    """Yield the answer to each of ``requests``, in order, while up to ``at_once`` are worked on.

    Raises
    ------
    Forbidden, Unauthenticated
        If what the caller may do has changed in the meantime.
    PBAError
        Of the first request that has one, after the answers to those before.
    """
    identity = caller()

    async def checked(request: pb.ForecastBatchRequest) -> pb.ForecastBatchResponse:
        if caller_now() != identity:
            raise Forbidden("what the caller may do has changed. Open the stream again.")
        return await answer(request)

    with streams.admit():
        async with aclosing(in_turn(requests, checked, at_once)) as responses:
            async for response in responses:
                yield response


async def watch_links(
    watches: Watches, request: pb.WatchRequest, limit: int
) -> AsyncGenerator[pb.WatchResponse, None]:
    """Yield the newest forecast of each link, and a new one whenever a link has a newer sample.

    Raises
    ------
    Unavailable
        In the end: streams last for some minutes.
    """
    links, after = _read_links(request, limit)
    watcher = LinkWatcher(links, caller().records, after)
    with watches.streams.admit():
        async with watches.links.watch(watcher):
            async for items in follow(watcher.next, caller_now, watches.lasts_s):
                response = pb.WatchResponse(resume_token=str(watcher.reached))
                for item in items:
                    fill_forecast(response.forecasts.add(), item)
                yield response
    raise _ended(watches, "with the last resume_token")


async def watch_events(
    watches: Watches, request: pb.WatchEventsRequest
) -> AsyncGenerator[pb.WatchEventsResponse, None]:
    """Yield events as they happen; first those after the one that the caller knows.

    Raises
    ------
    Unavailable
        In the end: streams last for some minutes.
    """
    refuse_unknown_fields(request)
    link_id = check_link_id(request.link_id) if request.HasField("link_id") else None
    if link_id is not None:
        caller().require_link(link_id)
    after = request.after if request.HasField("after") else None
    watcher = EventWatcher(caller().scope, request.kind or None, link_id, after)
    with watches.streams.admit():
        async with watches.events.watch(watcher):
            async for items in follow(watcher.next, caller_now, watches.lasts_s):
                yield pb.WatchEventsResponse(events=map(_event, items))
    raise _ended(watches, "after the last event's number")


def _read_links(request: pb.WatchRequest, limit: int) -> tuple[WatchedLinks, int | None]:
    """Return the links that a caller wants to watch, and up to where it knows their forecasts."""
    check_count(request.link_ids, limit, "link_ids")
    refuse_unknown_fields(request)
    if not (request.link_ids or request.prefixes):
        raise InvalidInput(
            "link_ids and prefixes are empty. Name links, or the beginnings of their names.",
            "link_ids",
        )
    if len(request.prefixes) > _MOST_PREFIXES:
        raise TooLarge(
            f"prefixes has {len(request.prefixes)} items; at most {_MOST_PREFIXES} are taken. Open "
            "more streams, or take shorter beginnings.",
            "prefixes",
        )
    identity = caller()
    names = [check_link_id(name) for name in request.link_ids]
    for name in names:
        identity.require_link(name)
    for prefix in request.prefixes:
        _check_prefix(prefix)
    links = WatchedLinks(frozenset(names), tuple(request.prefixes), identity.scope)
    return links, _read_token(request.resume_token)


def _check_prefix(prefix: str) -> None:
    try:
        Scope((f"{prefix}*",))
    except InvalidInput:
        raise InvalidInput(
            f"a prefix is {quoted(prefix)}; it has the characters of links' names, "
            "A-Z a-z 0-9 . _ : @ > -",
            "prefixes",
        ) from None


def _read_token(token: str) -> int | None:
    if not token:
        return None
    if token.isascii() and token.isdigit() and len(token) < 19:
        return int(token)
    raise InvalidInput(
        f"resume_token is {quoted(token)}; it is the one of the last response of the stream before "
        "this one. Leave it out to begin with the newest forecast of each link.",
        "resume_token",
    )


def _event(event: Event) -> pb.Event:
    return message_of(pb.Event, event.as_dict())


def _ended(watches: Watches, where: str) -> Unavailable:
    return Unavailable(f"a stream lasts {watches.lasts_s:g} s. Open it again, {where}.")
