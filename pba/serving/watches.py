"""What streams have in common, whatever protocol they speak: how many there are, when they end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pba.errors import Forbidden
from pba.security.identity import Identity
from pba.serving.admission import Admission
from pba.serving.event_watch import EventWatch
from pba.serving.link_watch import LinkWatch

__all__ = ["Watches", "follow"]

_Item = TypeVar("_Item")

_HEARTBEAT_S = 15.0
_LOOK_S = 1.0
"""How often it is checked that the caller may still watch."""


@dataclass(frozen=True, slots=True)
class Watches:
    """Who watches what on this router, and how many streams there are.

    They are no requests in flight: most of the time they wait.

    Parameters
    ----------
    lasts_s
        How long a stream lasts before its client has to open it again.
    """

    links: LinkWatch
    events: EventWatch
    streams: Admission
    lasts_s: float

    def stop(self) -> None:
        """Stop following the store."""
        self.links.stop()
        self.events.stop()


async def follow(
    following: Callable[[float], Awaitable[Sequence[_Item]]],
    identify: Callable[[], Identity],
    lasts_s: float,
) -> AsyncIterator[Sequence[_Item]]:
    """Yield what follows, and nothing where nothing has come for 15 s, until the stream has to end.

    Parameters
    ----------
    following
        Returns what is new, or nothing after so many seconds.
    identify
        Returns who watches; raises `Unauthenticated` where nobody does any more.
    lasts_s
        How long the stream lasts.

    Raises
    ------
    Unauthenticated, Forbidden
        If the caller may not watch any more.
    """
    loop, identity = asyncio.get_running_loop(), identify()
    sent_s = loop.time()
    ends_s = sent_s + lasts_s
    while (left_s := ends_s - loop.time()) > 0:
        items = await following(min(_LOOK_S, left_s))
        if identify() != identity:
            raise Forbidden("what the caller may see has changed. Open the stream again.")
        if items or loop.time() - sent_s >= _HEARTBEAT_S:
            yield items
            sent_s = loop.time()
