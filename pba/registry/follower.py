"""Following a model's champion pointer: the model to serve next, loaded and verified."""

from dataclasses import dataclass, replace
from typing import Any

from pba.errors import BadArtifact, PBAError, RegistryUnavailable
from pba.models.onnx import OnnxForecaster
from pba.models.onnx_session import CPU_SESSION, SessionSettings
from pba.registry import NONE, SHIPPED, Pointer, Registry, artifacts

__all__ = ["Follower", "LoadedModel", "RefusedModel", "load_shipped"]


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that is ready to serve, and the pointer to it."""

    forecaster: OnnxForecaster
    card: dict[str, Any]
    pointer: Pointer
    session: SessionSettings


@dataclass(frozen=True, slots=True)
class RefusedModel:
    """A pointer to a model that must not be served, and the reason."""

    pointer: Pointer
    why: str


def load_shipped(folder: str, model: str, session: SessionSettings = CPU_SESSION) -> LoadedModel:
    """Return the model in ``folder``, independent of the registry.

    Raises
    ------
    BadArtifact
        If it must not be served.
    """
    return LoadedModel(*artifacts.load(folder, model, session), NONE, session)


class Follower:
    """Follows the champion pointer of one model. Calls block; not thread-safe.

    Parameters
    ----------
    registry
        The registry with the pointer.
    model
        The model's name.
    """

    def __init__(self, registry: Registry, model: str) -> None:
        self._registry = registry
        self._model = model
        self._seen: Pointer | None = None
        self._options: tuple[str, SessionSettings] | None = None
        self._loaded: LoadedModel | None = None

    def poll(
        self, shipped: str, session: SessionSettings = CPU_SESSION
    ) -> LoadedModel | RefusedModel | None:
        """Return a new model to serve, a refused one, or None if nothing has changed.

        Each pointer is tried once. If its model is refused, the model before stays in use.

        Parameters
        ----------
        shipped
            The folder of the model that serves while the registry has no champion.
        session
            As for `OnnxForecaster`.

        Raises
        ------
        RegistryUnavailable
            If the registry does not respond; the next call tries again.
        """
        pointer, options = self._registry.champion(self._model, self._seen), (shipped, session)
        if pointer is self._seen and options == self._options:
            return None
        model: LoadedModel | RefusedModel
        try:
            model = self._loaded = self._load(pointer, shipped, session)
        except RegistryUnavailable:
            raise
        except PBAError as error:
            model = RefusedModel(pointer, str(error))
        self._seen, self._options = pointer, options
        return model

    def _load(self, pointer: Pointer, shipped: str, session: SessionSettings) -> LoadedModel:
        if pointer.action == "unreadable":
            raise BadArtifact(pointer.why)
        if pointer.version == SHIPPED:
            return replace(load_shipped(shipped, self._model, session), pointer=pointer)
        before = self._loaded
        if before and before.pointer.version == pointer.version and before.session == session:
            return replace(before, pointer=pointer)
        forecaster, card = self._registry.load(self._model, pointer.version, session)
        return LoadedModel(forecaster, card, pointer, session)
