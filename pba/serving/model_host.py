"""Holds the model that serves one name, and replaces it while it serves."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

from pba.errors import BadArtifact, RegistryUnavailable
from pba.models.onnx import OnnxForecaster
from pba.models.onnx_session import SessionSettings
from pba.registry import Pointer, Registry
from pba.registry.follower import Follower, LoadedModel, RefusedModel, load_shipped
from pba.types import HORIZONS

__all__ = ["MODEL_REFUSED", "MODEL_SERVING", "ModelHost"]

MODEL_SERVING = "model_serving"
"""The kind of the events of a model that starts to serve."""

MODEL_REFUSED = "model_refused"
"""The kind of the events of a model that is refused."""

_START_PATIENCE_S = 10.0
"""How long a new host waits for the registry before it serves the shipped model."""

_log = logging.getLogger(__name__)


class ModelHost:
    """Serves the registry's champion, or the shipped model if there is none.

    A change of either is loaded, verified and warmed in a thread; only then it replaces the model
    that serves. A model that fails is refused and the old one stays. The first model has only the
    shipped one to fall back on: if that fails too, the host does not start.

    Parameters
    ----------
    name
        The model's name.
    registry
        Names the champion.
    every_s
        How often the registry is polled.
    announce
        Gets the kind and the body of every event.

    Attributes
    ----------
    forecaster
        The model that serves now; set once `configure` has returned.
    """

    forecaster: OnnxForecaster

    def __init__(
        self,
        name: str,
        registry: Registry,
        every_s: float,
        announce: Callable[[str, dict[str, Any]], None],
    ) -> None:
        self._name = name
        self._follower = Follower(registry, name)
        self._every_s = every_s
        self._announce = announce
        self._shipped: tuple[str, SessionSettings]
        self._loaded: LoadedModel | None = None
        self._refused: str | None = None
        self._unavailable: str | None = None
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The model's name."""
        return self._name

    @property
    def serves(self) -> bool:
        """Whether it has a model yet."""
        return self._loaded is not None

    @property
    def registry_away(self) -> bool:
        """Whether the registry did not answer the last time."""
        return self._unavailable is not None

    @property
    def running(self) -> bool:
        """Whether a new champion would be noticed."""
        return self._task is None or not self._task.done()

    async def configure(self, shipped: str, session: SessionSettings) -> None:
        """Set the folder of the shipped model, and how it runs.

        The first call loads a model; later calls only start to.

        Raises
        ------
        BadArtifact
            If no model can serve.
        InvalidInput
            If none of the session's providers is there.
        """
        self._shipped = shipped, session
        if self._loaded is None:
            await self._start()
        self._changed.set()

    def stop(self) -> None:
        """Stop following the champion."""
        if self._task is not None:
            self._task.cancel()

    def describe(self) -> dict[str, Any]:
        """Return what serves: version, sha256, input and outputs, metrics, and what is wrong.

        ``champion`` is the number of the pointer that the host follows.
        """
        serving = self._serving
        return {
            "mode": self._name,
            "version": serving.forecaster.version,
            "sha256": serving.card.get("sha256"),
            "window": serving.forecaster.window,
            "horizons": list(HORIZONS),
            "intervals": list(serving.forecaster.intervals),
            "bins": len(serving.forecaster.bins),
            "metrics": serving.card.get("metrics"),
            "champion": serving.pointer.number,
            "refused": self._refused,
            "registry_away": self._unavailable,
        }

    @property
    def _serving(self) -> LoadedModel:
        if self._loaded is None:
            raise BadArtifact(
                f"{self._name} has no model: its user_config names none. Set `model` to a folder."
            )
        return self._loaded

    async def _start(self) -> None:
        """Load the champion, or the shipped model if there is none or it cannot be read in time."""
        first = asyncio.create_task(self._poll())
        await asyncio.wait({first}, timeout=_START_PATIENCE_S)
        if self._loaded is None:
            shipped, session = self._shipped
            model = await asyncio.to_thread(load_shipped, shipped, self._name, session)
            if self._loaded is None:
                why = self._refused or self._unavailable or "the registry does not answer yet"
                self._serve(model, f"start; {why}")
        self._task = asyncio.create_task(self._follow(first))

    async def _follow(self, poll: asyncio.Task[None]) -> None:
        while True:
            await poll
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), self._every_s)
            self._changed.clear()
            poll = asyncio.create_task(self._poll())

    async def _poll(self) -> None:
        shipped, session = self._shipped
        try:
            change = await asyncio.to_thread(self._follower.poll, shipped, session)
        except RegistryUnavailable as error:
            if self._unavailable is None:
                _log.warning("registry_away", extra={"mode": self._name, "why": str(error)})
            self._unavailable = str(error)
            return
        if self._unavailable is not None:
            _log.info("registry_back", extra={"mode": self._name})
        self._unavailable = None
        if isinstance(change, RefusedModel):
            self._refused = change.why
            self._report(MODEL_REFUSED, change.pointer.version, change.pointer, change.why)
        elif change:
            self._refused = None
            self._serve(change, self._reason(change))

    def _reason(self, change: LoadedModel) -> str:
        if self._loaded is None:
            return "start"
        same = self._loaded.pointer == change.pointer
        return "user_config" if same else change.pointer.action

    def _serve(self, model: LoadedModel, why: str) -> None:
        self._loaded, self.forecaster = model, model.forecaster
        self._report(MODEL_SERVING, model.forecaster.version, model.pointer, why)

    def _report(self, kind: str, version: str, pointer: Pointer, why: str) -> None:
        body = {"model": self._name, "version": version, "champion": pointer.number, "why": why}
        self._announce(kind, body | {"who": pointer.who})
