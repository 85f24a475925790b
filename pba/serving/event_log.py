"""Events go into the store, or into the process log while the store does not answer."""

import logging

from pba.errors import StoreUnavailable
from pba.store import Store
from pba.types import Event

__all__ = ["EventLog"]

_log = logging.getLogger(__name__)


class EventLog:
    """Adds events to ``store``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, event: Event) -> None:
        """Store ``event``; log it if that fails. Blocks meanwhile."""
        try:
            self._store.ready().add_events([event])
        except StoreUnavailable as error:
            fields = {"kind": event.kind, "body": event.text, "why": str(error)}
            _log.warning("event_not_stored", extra=fields)
