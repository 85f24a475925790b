"""The registry for operators of a running service: published versions, champions, promotions."""

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from pba.errors import NotFound, RegistryUnavailable, quoted
from pba.registry import Expected, Registry
from pba.registry.promotion import Promoter
from pba.security import Author

__all__ = ["ModelCatalog"]

_Result = TypeVar("_Result")


class ModelCatalog:
    """Lists, promotes and rolls back versions of the models that are served.

    Parameters
    ----------
    models
        Their names; any other name is refused.
    registry
        Holds the versions.
    promoter
        Changes champions.
    deadline_s
        How long a call waits for the registry; a promotion loads the model from it.
    """

    def __init__(
        self,
        models: Collection[str],
        registry: Registry,
        promoter: Promoter,
        deadline_s: float = 60.0,
    ) -> None:
        self._models = models
        self._registry = registry
        self._promoter = promoter
        self._deadline_s = deadline_s
        # A thread of its own, so that a registry that hangs does not occupy those of the store.
        self._thread = ThreadPoolExecutor(1, "registry")

    async def versions(self, model: str) -> dict[str, Any]:
        """Return a model's versions, its champion, and the history of its champions."""
        self._check_model(model)
        return await self._run(lambda: self._versions(model))

    async def promote(
        self, model: str, version: str, author: Author, why: str, expected: Expected
    ) -> dict[str, Any]:
        """Make a version the champion; return the pointer."""
        self._check_model(model)
        pointer = await self._run(
            lambda: self._promoter.promote(model, version, author, why, expected)
        )
        return pointer.as_dict()

    async def rollback(
        self, model: str, author: Author, why: str, expected: Expected
    ) -> dict[str, Any]:
        """Make the previous champion the champion again; return the pointer."""
        self._check_model(model)
        pointer = await self._run(lambda: self._promoter.rollback(model, author, why, expected))
        return pointer.as_dict()

    async def _run(self, call: Callable[[], _Result]) -> _Result:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        except TimeoutError:
            raise RegistryUnavailable(
                f"the registry has not answered within {self._deadline_s:g} s. What was requested "
                "may still happen: read the versions, then decide again."
            ) from None

    def _versions(self, model: str) -> dict[str, Any]:
        return {
            "model": model,
            "champion": self._registry.champion(model).as_dict(),
            "versions": self._registry.versions(model),
            "history": [pointer.as_dict() for pointer in self._registry.history(model)],
        }

    def _check_model(self, model: str) -> None:
        if model not in self._models:
            raise NotFound(
                f"no model is called {quoted(model)}; there are {', '.join(sorted(self._models))}.",
                "mode",
            )
