"""Following a model's champion: what to serve next, loaded and verified. Knows no Ray."""

from dataclasses import dataclass, replace
from typing import Any

from pba.errors import BadArtifact, PBAError, RegistryUnavailable
from pba.models.onnx import OnnxForecaster
from pba.registry import NONE, SHIPPED, Pointer, Registry, artifacts

__all__ = ["Follower", "LoadedModel", "RefusedModel", "load_shipped"]


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that is ready to serve, and the pointer that asks for it."""

    forecaster: OnnxForecaster
    card: dict[str, Any]
    pointer: Pointer
    threads: int


@dataclass(frozen=True, slots=True)
class RefusedModel:
    """A pointer whose model must not be served."""

    pointer: Pointer
    why: str


def load_shipped(folder: str, model: str, threads: int = 1) -> LoadedModel:
    """Return the model in ``folder``, whatever the registry says.

    Raises
    ------
    BadArtifact
        If it must not be served.
    """
    return LoadedModel(*artifacts.load(folder, model, threads), NONE, threads)


class Follower:
    """Looks where the champion pointer of one model leads. Calls block; one thread at a time.

    Parameters
    ----------
    registry
        Where the pointer is.
    model
        Whose pointer.
    """

    def __init__(self, registry: Registry, model: str) -> None:
        self._registry = registry
        self._model = model
        self._seen: Pointer | None = None
        self._wanted: tuple[str, int] | None = None
        self._loaded: LoadedModel | None = None

    def look(self, shipped: str, threads: int = 1) -> LoadedModel | RefusedModel | None:
        """Return what changes: another model to serve, one refused, or None for nothing.

        A pointer is tried once; what was loaded before stays good where it is refused.

        Parameters
        ----------
        shipped
            The folder whose model serves while the registry has no champion.
        threads
            As for `OnnxForecaster`.

        Raises
        ------
        RegistryUnavailable
            If the registry does not answer; the next look tries again.
        """
        pointer, wanted = self._registry.champion(self._model, self._seen), (shipped, threads)
        if pointer is self._seen and wanted == self._wanted:
            return None
        found: LoadedModel | RefusedModel
        try:
            found = self._loaded = self._load(pointer, shipped, threads)
        except RegistryUnavailable:
            raise
        except PBAError as error:
            found = RefusedModel(pointer, str(error))
        self._seen, self._wanted = pointer, wanted
        return found

    def _load(self, pointer: Pointer, shipped: str, threads: int) -> LoadedModel:
        if pointer.action == "unreadable":
            raise BadArtifact(pointer.why)
        if pointer.version == SHIPPED:
            return replace(load_shipped(shipped, self._model, threads), pointer=pointer)
        before = self._loaded
        if before and before.pointer.version == pointer.version and before.threads == threads:
            return replace(before, pointer=pointer)
        found = self._registry.load(self._model, pointer.version, threads)
        return LoadedModel(*found, pointer, threads)
