"""The registry for operators of a running service: what is published, and what serves."""

import asyncio
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import onnxruntime  # noqa: F401 - now, for its import would stall requests at the first promotion

from deployments.ingress.request_reading import read_promotion, read_rollback
from deployments.paths import resolve
from deployments.settings import Settings
from pba.errors import NotFound
from pba.registry import Registry
from pba.registry.promotion import Promoter
from pba.serving.event_log import event_logger
from pba.store import Store

__all__ = ["ModelCatalog"]

_Found = TypeVar("_Found")
_clock = time.time  # noqa: TID251 - the clock that is passed in


class ModelCatalog:
    """Lists, promotes and rolls back versions of the models that are served.

    Parameters
    ----------
    models
        Their names; others are refused.
    settings
        Where the registry is.
    store
        Where events go.
    """

    def __init__(self, models: Collection[str], settings: Settings, store: Store) -> None:
        self._models = models
        self._registry = Registry(resolve(settings.registry), _clock)
        self._champions = Promoter(self._registry, event_logger(store), _clock)
        # Of its own, so that a registry that hangs takes no thread from those who ask the store.
        self._thread = ThreadPoolExecutor(1, "registry")

    async def versions(self, model: str) -> dict[str, Any]:
        """Return a model's versions, its champion, and who made which one champion before."""
        self._refuse_unknown(model)
        return await self._asked(lambda: self._versions(model))

    async def promote(self, model: str, body: bytes) -> dict[str, Any]:
        """Make a version champion, as ``body`` says; return the pointer."""
        self._refuse_unknown(model)
        asked = read_promotion(body).model_dump()
        return await self._asked(lambda: self._champions.promote(model, **asked).as_dict())

    async def rollback(self, model: str, body: bytes) -> dict[str, Any]:
        """Make the champion before this one champion again; return the pointer."""
        self._refuse_unknown(model)
        asked = read_rollback(body).model_dump()
        return await self._asked(lambda: self._champions.rollback(model, **asked).as_dict())

    async def _asked(self, ask: Callable[[], _Found]) -> _Found:
        return await asyncio.get_running_loop().run_in_executor(self._thread, ask)

    def _versions(self, model: str) -> dict[str, Any]:
        return {
            "model": model,
            "champion": self._registry.champion(model).as_dict(),
            "versions": self._registry.versions(model),
            "history": [pointer.as_dict() for pointer in self._registry.history(model)],
        }

    def _refuse_unknown(self, model: str) -> None:
        if model not in self._models:
            raise NotFound(
                f"no model is called {model!r}; there are {', '.join(sorted(self._models))}.",
                "mode",
            )
