"""One ONNX model as a Serve deployment: calls share a run, and the model can be replaced."""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from ray import serve

from pba.forecasting import ModelOutput
from pba.models.base import Prediction
from pba.registry import Registry
from pba.serving.event_log import EventLog
from pba.serving.model_host import MODEL_REFUSED, ModelHost
from pba.types import Event, Floats

from ..paths import resolve
from ..ray_metrics import counter
from ..settings import Settings
from ..store_factory import open_store
from .replica_setup import set_up_replica

__all__ = ["ModelConfig", "ModelReplica"]

_log = logging.getLogger("ray.serve")
_clock = time.time  # noqa: TID251 - the clock that is passed in
_STAY_S = 5.0


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
    """Serves one model: the champion of the registry, or the folder of its `user_config`."""

    def __init__(self, name: str, settings: Settings) -> None:
        set_up_replica()
        registry = Registry(resolve(settings.registry), _clock)
        self._host = ModelHost(name, registry, settings.follow_every_s, self._announce)
        self._events = EventLog(open_store(settings))
        self._event_thread = ThreadPoolExecutor(1, "events")  # one, so that events keep their order
        self._replica = serve.get_replica_context().replica_tag
        self._refusals = counter("dwcp_pba_models_refused_total", "Models refused on load.", "mode")

    async def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Apply ``user_config``: at once the first time, in the background afterwards."""
        config = ModelConfig.model_validate(user_config)
        self._batched.set_max_batch_size(config.max_batch)  # type: ignore[attr-defined]
        self._batched.set_batch_wait_timeout_s(config.batch_wait_s)  # type: ignore[attr-defined]
        await self._host.configure(resolve(config.model), config.threads)

    def check_health(self) -> None:
        """Have Ray restart the replica if it has stopped following the champion."""
        if not self._host.running:
            raise RuntimeError("the replica no longer follows the champion; its log says why.")

    async def predict(self, telemetry: Floats) -> ModelOutput:
        """Return the model's output for ``telemetry``, shape ``(batch, window, column)``."""
        output: ModelOutput = await self._batched(telemetry)
        return output

    async def stay(self) -> None:
        """Answer after some seconds: a replica with a call in flight does not scale to zero."""
        await asyncio.sleep(_STAY_S)

    async def describe(self) -> dict[str, Any]:
        """Return what serves; see `ModelHost.describe`."""
        return self._host.describe()

    @serve.batch(max_batch_size=32, batch_wait_timeout_s=0.0)
    async def _batched(self, calls: list[Floats]) -> list[ModelOutput]:
        # One version answers the whole run, even if the model is replaced meanwhile.
        forecaster = self._host.forecaster
        windows = calls[0] if len(calls) == 1 else np.concatenate(calls)
        prediction = await asyncio.to_thread(forecaster.predict, windows)
        ends = np.cumsum([len(call) for call in calls])[:-1]
        parts = zip(
            np.split(prediction.probabilities, ends),
            np.split(prediction.level_mbps, ends),
            np.split(prediction.path, ends),
            strict=True,
        )
        return [
            ModelOutput(forecaster.version, forecaster.bins, Prediction(*part)) for part in parts
        ]

    def _announce(self, kind: str, body: dict[str, Any]) -> None:
        """Log an event of the host, and store it without waiting for the store."""
        refused = kind == MODEL_REFUSED
        if refused:
            self._refusals.inc(tags={"mode": body["model"]})
        fields = body | {"replica": self._replica}
        _log.log(logging.WARNING if refused else logging.INFO, kind, extra=fields)
        event = Event(kind, _clock(), None, fields)
        loop = asyncio.get_running_loop()
        loop.run_in_executor(self._event_thread, self._events.add, event)
