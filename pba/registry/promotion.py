"""Changing champions, for people, HTTP and retraining alike: every change and refusal is told."""

import contextlib
from collections.abc import Callable, Iterator

from pba.errors import PBAError, RegistryUnavailable
from pba.registry import Expected, Pointer, Registry
from pba.types import Event

__all__ = ["RETRAINED", "Promoter"]

RETRAINED = "retrained"
"""The kind of the event that tells how a retraining ended."""


class Promoter:
    """Promotes and rolls back, and tells.

    Parameters
    ----------
    registry
        Where the versions are.
    tell
        What becomes of an event; it must not raise because nobody could be told.
    clock
        Unix seconds now.
    """

    def __init__(
        self, registry: Registry, tell: Callable[[Event], None], clock: Callable[[], float]
    ) -> None:
        self._registry = registry
        self._tell = tell
        self._clock = clock

    def promote(
        self, model: str, version: str, who: str, why: str = "", expected: Expected = None
    ) -> Pointer:
        """As `Registry.promote`; the event is ``model_promoted`` or ``model_refused``."""
        with self._refusals(model, version, who):
            made = self._registry.promote(model, version, who, why, expected)
        return self._told("model_promoted", model, made)

    def rollback(self, model: str, who: str, why: str = "", expected: Expected = None) -> Pointer:
        """As `Registry.rollback`; the event is ``model_rolled_back`` or ``model_refused``."""
        with self._refusals(model, None, who):
            made = self._registry.rollback(model, who, why, expected)
        return self._told("model_rolled_back", model, made)

    def _told(self, kind: str, model: str, made: Pointer) -> Pointer:
        self._tell(Event(kind, self._clock(), None, {"model": model, **made.as_dict()}))
        return made

    @contextlib.contextmanager
    def _refusals(self, model: str, version: str | None, who: str) -> Iterator[None]:
        try:
            yield
        except RegistryUnavailable:
            raise
        except PBAError as error:
            told = {"model": model, "version": version, "who": who, "why": str(error)}
            self._tell(Event("model_refused", self._clock(), None, told))
            raise
