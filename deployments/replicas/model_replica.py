"""One ONNX model as a Serve deployment: calls share a run, and the model can be replaced."""

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pba.forecasting import ModelOutput
from pba.models.onnx_session import SessionSettings
from pba.project import resolve
from pba.registry import Registry
from pba.serving.model_host import ModelHost
from pba.serving.model_runner import ModelRunner
from pba.types import Floats

from ..ray_metrics import RayMetrics
from ..settings import Settings
from ..store_factory import open_store
from ..tracing import start_tracing
from .autoscaling import ARRIVALS, BUSY
from .model_announcer import ModelAnnouncer
from .model_metrics import ModelMetrics
from .rates import Rates
from .replica_setup import set_up_replica

__all__ = ["ModelConfig", "ModelReplica"]

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
    providers: tuple[Literal["CUDA", "TensorRT", "OpenVINO", "CPU"], ...] = Field(
        ("CPU",),
        min_length=1,
        description="Where ONNX Runtime computes, the preferred first. What is not there is passed "
        "over; if none is, the model is refused.",
    )
    max_batch: int = Field(
        32, ge=1, description="The most windows that calls share a run for; one call may have more."
    )

    @property
    def session(self) -> SessionSettings:
        """How ONNX Runtime runs the model."""
        return SessionSettings(self.threads, self.providers)


class ModelReplica:
    """Serves one model: the champion of the registry, or the folder of its `user_config`."""

    def __init__(self, name: str, settings: Settings) -> None:
        set_up_replica()
        self._tracing = start_tracing(name)
        registry = Registry(resolve(settings.registry), _clock)
        self._metrics = RayMetrics()
        models = ModelMetrics(self._metrics)
        self._announcer = ModelAnnouncer(open_store(settings), models.count_refused)
        host = ModelHost(name, registry, settings.follow_every_s, self._announcer)
        self._host, self._runner = host, ModelRunner(host, 1, partial(models.count_run, name))
        models.follow(lambda: [host])
        self._metrics.start()
        self._rates = Rates(time.monotonic)

    async def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Apply ``user_config``: at once the first time, in the background afterwards."""
        config = ModelConfig.model_validate(user_config)
        self._runner.max_windows = config.max_batch
        await self._host.configure(resolve(config.model), config.session)

    def record_autoscaling_stats(self) -> dict[str, float]:
        """Return what arrives in a second and the time that it takes, for `model_replicas`."""
        runner = self._runner
        return self._rates.per_second({ARRIVALS: runner.arrived_windows, BUSY: runner.busy_s})

    def check_health(self) -> None:
        """Have Ray restart the replica if it has stopped following the champion."""
        if not self._host.running:
            raise RuntimeError("the replica no longer follows the champion; its log says why.")

    async def predict(
        self, telemetry: Floats, trace: Mapping[str, str] | None = None
    ) -> ModelOutput:
        """Return the model's output for ``telemetry``, shape ``(batch, window, column)``.

        ``trace`` is the W3C trace context of a request that is traced.
        """
        with self._tracing.part("replica", trace):
            return await self._runner.predict(telemetry)

    async def stay(self) -> None:
        """Answer after some seconds: a replica with a call in flight does not scale to zero."""
        await asyncio.sleep(_STAY_S)

    async def describe(self) -> dict[str, Any]:
        """Return what serves; see `ModelHost.describe`."""
        return self._host.describe()

    def __del__(self) -> None:
        """Hand on what was counted and traced; called by Serve when the replica has drained."""
        self._metrics.stop()
        self._tracing.stop()
