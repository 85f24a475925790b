"""Announces what a replica's models do: a log line, an event in the store, a counter."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ray import serve

from pba.serving.event_log import EventLog
from pba.serving.model_host import MODEL_REFUSED
from pba.store import Store
from pba.types import Event

__all__ = ["ModelAnnouncer"]

_log = logging.getLogger("ray.serve")
_clock = time.time  # noqa: TID251 - the clock that is passed in


class ModelAnnouncer:
    """Announces the events of `ModelHost` without waiting for the store.

    Parameters
    ----------
    store
        Has the events.
    count_refused
        Called with the model of each version that is refused.
    """

    def __init__(self, store: Store, count_refused: Callable[[str], None]) -> None:
        self._events = EventLog(store)
        self._thread = ThreadPoolExecutor(1, "events")  # one, so that events keep their order
        self._replica = serve.get_replica_context().replica_tag
        self._count_refused = count_refused

    def __call__(self, kind: str, body: dict[str, Any]) -> None:
        """Log an event of a host, and store it."""
        refused = kind == MODEL_REFUSED
        if refused:
            self._count_refused(body["model"])
        fields = body | {"replica": self._replica}
        _log.log(logging.WARNING if refused else logging.INFO, kind, extra=fields)
        event = Event(kind, _clock(), None, fields)
        asyncio.get_running_loop().run_in_executor(self._thread, self._events.add, event)
