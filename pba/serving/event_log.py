"""Events go into the store, or into the process log while the store does not answer."""

import json
import logging
from dataclasses import asdict

from pba.errors import StoreUnavailable
from pba.security.audit_chain import AuditEntry
from pba.store import Store
from pba.types import Event

__all__ = ["EventLog"]

_log = logging.getLogger(__name__)


class EventLog:
    """Adds events to ``store``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, event: Event, entry: AuditEntry | None = None) -> None:
        """Store ``event`` and ``entry``; log them if that fails. Blocks meanwhile."""
        try:
            self._store.ready().add_events([event], [] if entry is None else [entry])
        except StoreUnavailable as error:
            fields = {"kind": event.kind, "body": event.text, "why": str(error)}
            if entry is not None:
                fields["author"] = json.dumps(asdict(entry.author))
            _log.warning("event_not_stored", extra=fields)
