"""Events into the store, and into the log where the store is away."""

import logging
from collections.abc import Callable

from pba.errors import StoreUnavailable
from pba.store import Store
from pba.types import Event

__all__ = ["event_logger"]

_log = logging.getLogger("ray.serve")


def event_logger(store: Store) -> Callable[[Event], None]:
    """Return what stores an event, and logs one that could not be stored. It blocks."""

    def tell(event: Event) -> None:
        try:
            store.ready().add_events([event])
        except StoreUnavailable as error:
            told = {"kind": event.kind, "body": event.text, "why": str(error)}
            _log.warning("event_not_stored", extra=told)

    return tell
