"""One ONNX model as a Serve deployment: batched, and replaced while it serves."""

import asyncio
import logging
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from ray import serve
from ray.serve import metrics

from deployments.own_address import listen_there_only
from deployments.places import resolve
from pba import artifacts
from pba.errors import BadArtifact
from pba.forecasting import Answer
from pba.models.base import Prediction
from pba.models.onnx import OnnxForecaster
from pba.types import HORIZONS, Floats

__all__ = ["ModelConfig", "ModelServer"]

_log = logging.getLogger("ray.serve")


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


class ModelServer:
    """Serves one model: that of the mode of its name, or v1.

    A new `user_config` loads, verifies and warms its model in the background; only then is it the
    one that answers. A model that fails is refused with the event ``model_refused`` and the old
    one stays. The first model has none to fall back on: there the error ends the replica.
    """

    def __init__(self, name: str) -> None:
        listen_there_only()
        self._name = name
        self._forecaster: OnnxForecaster | None = None
        self._card: dict[str, Any] = {}
        self._refused: str | None = None
        self._swaps = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._refusals = metrics.Counter(
            "dwcp_pba_models_refused_total", "Models refused on load.", tag_keys=("mode",)
        )

    async def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Take up ``user_config``: at once the first time, in the background afterwards."""
        config = ModelConfig.model_validate(user_config)
        self._batched.set_max_batch_size(config.max_batch)  # type: ignore[attr-defined]
        self._batched.set_batch_wait_timeout_s(config.batch_wait_s)  # type: ignore[attr-defined]
        if self._forecaster is None:
            await self._load(config)
            return
        task = asyncio.create_task(self._swap(config))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def predict(self, telemetry: Floats) -> Answer:
        """Return the model's answer to ``telemetry``, shape ``(batch, window, column)``."""
        answer: Answer = await self._batched(telemetry)
        return answer

    async def describe(self) -> dict[str, Any]:
        """Return what serves: version, sha256, window, horizons, metrics, and a refusal if any."""
        card = self._card
        return {
            "mode": self._name,
            "version": card.get("version"),
            "sha256": card.get("sha256"),
            "window": self._serving.window,
            "horizons": list(HORIZONS),
            "metrics": card.get("metrics"),
            "refused": self._refused,
        }

    @property
    def _serving(self) -> OnnxForecaster:
        if self._forecaster is None:
            raise BadArtifact(
                f"{self._name} has no model: its user_config names none. Set `model` to a folder."
            )
        return self._forecaster

    @serve.batch(max_batch_size=32, batch_wait_timeout_s=0.0)
    async def _batched(self, calls: list[Floats]) -> list[Answer]:
        forecaster = self._serving  # one version answers the whole run, whatever is swapped in
        windows = calls[0] if len(calls) == 1 else np.concatenate(calls)
        said = await asyncio.to_thread(forecaster.predict, windows)
        ends = np.cumsum([len(call) for call in calls])[:-1]
        parts = zip(
            np.split(said.probabilities, ends),
            np.split(said.level_mbps, ends),
            np.split(said.path, ends),
            strict=True,
        )
        return [Answer(forecaster.version, forecaster.bins, Prediction(*part)) for part in parts]

    async def _swap(self, config: ModelConfig) -> None:
        async with self._swaps:
            try:
                await self._load(config)
            except BadArtifact as error:
                self._refused = str(error)
                self._refusals.inc(tags={"mode": self._name})
                _log.exception("model_refused", extra={"mode": self._name})

    async def _load(self, config: ModelConfig) -> None:
        uri = resolve(config.model)
        found = await asyncio.to_thread(artifacts.load, uri, self._name, config.threads)
        self._forecaster, self._card = found
        self._refused = None
        _log.info("model_serving", extra={"mode": self._name, "version": self._forecaster.version})
