"""One ONNX model as a Serve deployment: batched, and replaced while it serves."""

import asyncio
import contextlib
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from ray import serve
from ray.serve import metrics

from pba.errors import BadArtifact, RegistryUnavailable
from pba.forecasting.planning import ModelOutput
from pba.models.base import Prediction
from pba.registry import Pointer, Registry
from pba.registry.follower import Follower, LoadedModel, RefusedModel, load_shipped
from pba.serving.event_log import event_logger
from pba.types import HORIZONS, Event, Floats

from ..paths import resolve
from ..settings import Settings
from ..store_factory import open_store
from .node_address import listen_on_node_address

__all__ = ["ModelConfig", "ModelReplica"]

_log = logging.getLogger("ray.serve")
_clock = time.time  # noqa: TID251 - the clock that is passed in
_STAY_S = 5.0
_PATIENCE_S = 10.0
"""How long a new replica waits for the registry before it serves the model it comes with."""


class ModelConfig(BaseModel):
    """A model deployment's `user_config`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(
        description="Folder of the model: a path (relative ones start at the project) or any "
        "fsspec URL."
    )
    threads: int = Field(1, ge=1, description="ONNX Runtime threads; prefer more replicas.")
    max_batch: int = Field(32, ge=1, description="The most calls that share one run.")
    batch_wait_s: float = Field(
        0.0, ge=0, description="How long a call waits for others to share a run with."
    )


class ModelReplica:
    """Serves one model: the champion of the registry, or the folder of its `user_config`.

    A change of either is loaded, verified and warmed in a thread; only then is it the one that
    answers. A model that fails is refused with the event ``model_refused`` and the old one stays.
    The first model has none to fall back on but the folder's: if that fails too, the replica ends.
    """

    def __init__(self, name: str, settings: Settings) -> None:
        listen_on_node_address()
        self._name = name
        self._follower = Follower(Registry(resolve(settings.registry), _clock), name)
        self._follow_every_s = settings.follow_every_s
        self._tell = event_logger(open_store(settings))
        self._config: ModelConfig
        self._loaded: LoadedModel | None = None
        self._refused: str | None = None
        self._away: str | None = None
        self._changed = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self._replica = serve.get_replica_context().replica_tag
        self._teller = ThreadPoolExecutor(1, "events")  # one, so that events keep their order
        self._refusals = metrics.Counter(
            "dwcp_pba_models_refused_total", "Models refused on load.", tag_keys=("mode",)
        )

    async def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Take up ``user_config``: at once the first time, in the background afterwards."""
        self._config = config = ModelConfig.model_validate(user_config)
        self._batched.set_max_batch_size(config.max_batch)  # type: ignore[attr-defined]
        self._batched.set_batch_wait_timeout_s(config.batch_wait_s)  # type: ignore[attr-defined]
        if self._loaded is None:
            await self._begin(config)
        self._changed.set()

    def check_health(self) -> None:
        """Have Ray start the replica anew if it has stopped following the champion."""
        if self._following and self._following.done():
            raise RuntimeError("the replica follows no champion any more; its log says why.")

    async def predict(self, telemetry: Floats) -> ModelOutput:
        """Return the model's answer to ``telemetry``, shape ``(batch, window, column)``."""
        answer: ModelOutput = await self._batched(telemetry)
        return answer

    async def stay(self) -> None:
        """Answer after some seconds: a replica that is being asked does not scale to zero."""
        await asyncio.sleep(_STAY_S)

    async def describe(self) -> dict[str, Any]:
        """Return what serves: version, sha256, window, horizons, metrics, and what is wrong.

        ``champion`` is the number of the pointer that it follows.
        """
        serving = self._serving
        return {
            "mode": self._name,
            "version": serving.forecaster.version,
            "sha256": serving.card.get("sha256"),
            "window": serving.forecaster.window,
            "horizons": list(HORIZONS),
            "metrics": serving.card.get("metrics"),
            "champion": serving.pointer.number,
            "refused": self._refused,
            "registry_away": self._away,
        }

    @property
    def _serving(self) -> LoadedModel:
        if self._loaded is None:
            raise BadArtifact(
                f"{self._name} has no model: its user_config names none. Set `model` to a folder."
            )
        return self._loaded

    @serve.batch(max_batch_size=32, batch_wait_timeout_s=0.0)
    async def _batched(self, calls: list[Floats]) -> list[ModelOutput]:
        # One version answers the whole run, whatever is swapped in meanwhile.
        forecaster = self._serving.forecaster
        windows = calls[0] if len(calls) == 1 else np.concatenate(calls)
        said = await asyncio.to_thread(forecaster.predict, windows)
        ends = np.cumsum([len(call) for call in calls])[:-1]
        parts = zip(
            np.split(said.probabilities, ends),
            np.split(said.level_mbps, ends),
            np.split(said.path, ends),
            strict=True,
        )
        return [
            ModelOutput(forecaster.version, forecaster.bins, Prediction(*part)) for part in parts
        ]

    async def _begin(self, config: ModelConfig) -> None:
        """Take up the champion, or the folder's model where there is none or it cannot be had."""
        first = asyncio.create_task(self._look())
        await asyncio.wait({first}, timeout=_PATIENCE_S)
        if self._loaded is None:
            uri = resolve(config.model)
            shipped = await asyncio.to_thread(load_shipped, uri, self._name, config.threads)
            if self._loaded is None:
                why = self._refused or self._away or "the registry does not answer yet"
                self._take(shipped, f"start; {why}")
        self._following = asyncio.create_task(self._follow(first))

    async def _follow(self, looking: asyncio.Task[None]) -> None:
        while True:
            await looking
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), self._follow_every_s)
            self._changed.clear()
            looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        uri, threads = resolve(self._config.model), self._config.threads
        try:
            found = await asyncio.to_thread(self._follower.look, uri, threads)
        except RegistryUnavailable as error:
            if self._away is None:
                _log.warning("registry_away", extra={"mode": self._name, "why": str(error)})
            self._away = str(error)
            return
        if self._away is not None:
            _log.info("registry_back", extra={"mode": self._name})
        self._away = None
        if isinstance(found, RefusedModel):
            self._refuse(found)
        elif found:
            self._refused = None
            self._take(found, self._reason(found))

    def _reason(self, found: LoadedModel) -> str:
        if self._loaded is None:
            return "start"
        same = self._loaded.pointer == found.pointer
        return "user_config" if same else found.pointer.action

    def _take(self, loaded: LoadedModel, why: str) -> None:
        self._loaded = loaded
        self._announce("model_serving", loaded.forecaster.version, loaded.pointer, why)

    def _refuse(self, refused: RefusedModel) -> None:
        self._refused = refused.why
        self._refusals.inc(tags={"mode": self._name})
        self._announce("model_refused", refused.pointer.version, refused.pointer, refused.why)

    def _announce(self, kind: str, version: str, pointer: Pointer, why: str) -> None:
        """Log what happened, and store it without waiting for the store."""
        told = {"model": self._name, "version": version, "champion": pointer.number, "why": why}
        told |= {"who": pointer.who, "replica": self._replica}
        _log.log(logging.WARNING if kind == "model_refused" else logging.INFO, kind, extra=told)
        event = Event(kind, _clock(), None, told)
        asyncio.get_running_loop().run_in_executor(self._teller, self._tell, event)
