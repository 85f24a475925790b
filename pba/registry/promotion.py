"""Changing champions from the CLI, HTTP and retraining: changes and refusals become events."""

import contextlib
from collections.abc import Callable, Iterator

from pba.errors import PBAError, RegistryUnavailable
from pba.registry import Expected, Pointer, Registry
from pba.types import Event

__all__ = ["RETRAINED", "Promoter"]

RETRAINED = "retrained"
"""The kind of the event that records how a retraining ended."""


class Promoter:
    """Promotes and rolls back, and logs an event for each attempt.

    Parameters
    ----------
    registry
        The registry with the versions.
    log_event
        Records an event; it must not raise if that fails.
    clock
        Returns the current Unix time in seconds.
    """

    def __init__(
        self, registry: Registry, log_event: Callable[[Event], None], clock: Callable[[], float]
    ) -> None:
        self._registry = registry
        self._log_event = log_event
        self._clock = clock

    def promote(
        self, model: str, version: str, who: str, why: str = "", expected: Expected = None
    ) -> Pointer:
        """Do as `Registry.promote`; the event is ``model_promoted`` or ``model_refused``."""
        with self._logged_refusals(model, version, who):
            pointer = self._registry.promote(model, version, who, why, expected)
        return self._logged("model_promoted", model, pointer)

    def rollback(self, model: str, who: str, why: str = "", expected: Expected = None) -> Pointer:
        """Do as `Registry.rollback`; the event is ``model_rolled_back`` or ``model_refused``."""
        with self._logged_refusals(model, None, who):
            pointer = self._registry.rollback(model, who, why, expected)
        return self._logged("model_rolled_back", model, pointer)

    def _logged(self, kind: str, model: str, pointer: Pointer) -> Pointer:
        self._log_event(Event(kind, self._clock(), None, {"model": model, **pointer.as_dict()}))
        return pointer

    @contextlib.contextmanager
    def _logged_refusals(self, model: str, version: str | None, who: str) -> Iterator[None]:
        try:
            yield
        except RegistryUnavailable:
            raise
        except PBAError as error:
            body = {"model": model, "version": version, "who": who, "why": str(error)}
            self._log_event(Event("model_refused", self._clock(), None, body))
            raise
