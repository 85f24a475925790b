"""Announces what a replica's models do: a log line, an event in the store, a counter."""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ray import serve

from pba.serving.event_log import EventLog
from pba.serving.model_host import MODEL_REFUSED
from pba.store import Store
from pba.types import Event

from ..ray_metrics import counter

__all__ = ["ModelAnnouncer"]

_log = logging.getLogger("ray.serve")
_clock = time.time  # noqa: TID251 - the clock that is passed in


class ModelAnnouncer:
    """Announces the events of `ModelHost` without waiting for the store."""

    def __init__(self, store: Store) -> None:
        self._events = EventLog(store)
        self._thread = ThreadPoolExecutor(1, "events")  # one, so that events keep their order
        self._replica = serve.get_replica_context().replica_tag
        self._refusals = counter("dwcp_pba_models_refused_total", "Models refused on load.", "mode")

    def __call__(self, kind: str, body: dict[str, Any]) -> None:
        """Log an event of a host, and store it."""
        refused = kind == MODEL_REFUSED
        if refused:
            self._refusals.inc(tags={"mode": body["model"]})
        fields = body | {"replica": self._replica}
        _log.log(logging.WARNING if refused else logging.INFO, kind, extra=fields)
        event = Event(kind, _clock(), None, fields)
        asyncio.get_running_loop().run_in_executor(self._thread, self._events.add, event)
