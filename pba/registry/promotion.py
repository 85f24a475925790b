"""Changing champions from the CLI, HTTP and retraining: changes and refusals become events."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Protocol

from pba.errors import PBAError, RegistryUnavailable
from pba.registry import Expected, Pointer, Registry
from pba.security import Author
from pba.security.audit_chain import AuditEntry
from pba.types import Event

__all__ = ["RETRAINED", "LogEvent", "Promoter"]

RETRAINED = "retrained"
"""The kind of the event that records how a retraining ended."""


class LogEvent(Protocol):
    """Anything that records an event, and the change that it reports; it must not raise."""

    def __call__(self, event: Event, entry: AuditEntry | None = None, /) -> None:
        """Record both, or log why not."""


class Promoter:
    """Promotes and rolls back, and logs an event for each attempt, and each change in the audit.

    Parameters
    ----------
    registry
        The registry with the versions.
    log_event
        Records events and changes.
    clock
        Returns the current Unix time in seconds.
    """

    def __init__(self, registry: Registry, log_event: LogEvent, clock: Callable[[], float]) -> None:
        self._registry = registry
        self._log_event = log_event
        self._clock = clock

    def promote(
        self, model: str, version: str, author: Author, why: str = "", expected: Expected = None
    ) -> Pointer:
        """Do as `Registry.promote`; the event is ``model_promoted`` or ``model_refused``."""
        with self._logged_refusals(model, version, author):
            pointer = self._registry.promote(model, version, author.who, why, expected)
        return self._logged("model_promoted", model, pointer, author)

    def rollback(
        self, model: str, author: Author, why: str = "", expected: Expected = None
    ) -> Pointer:
        """Do as `Registry.rollback`; the event is ``model_rolled_back`` or ``model_refused``."""
        with self._logged_refusals(model, None, author):
            pointer = self._registry.rollback(model, author.who, why, expected)
        return self._logged("model_rolled_back", model, pointer, author)

    def _logged(self, kind: str, model: str, pointer: Pointer, author: Author) -> Pointer:
        body = {"model": model, **pointer.as_dict()}
        details = {name: body[name] for name in ("version", "number", "back", "why")}
        event = Event(kind, self._clock(), None, body)
        self._log_event(event, AuditEntry(author, kind, model, details))
        return pointer

    @contextlib.contextmanager
    def _logged_refusals(self, model: str, version: str | None, author: Author) -> Iterator[None]:
        try:
            yield
        except RegistryUnavailable:
            raise
        except PBAError as error:
            body = {"model": model, "version": version, "who": author.who, "why": str(error)}
            self._log_event(Event("model_refused", self._clock(), None, body))
            raise
