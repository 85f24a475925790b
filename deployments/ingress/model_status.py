"""What the model deployments of one router replica report."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ray.serve.handle import DeploymentHandle

from pba.errors import StoreUnavailable
from pba.models import v1_features
from pba.serving.data_plane import DataPlane
from pba.serving.flag_watch import FlagSource
from pba.types import NetworkMode

from ..replicas.model_handle import describe, describe_if_awake

__all__ = ["ModelStatus"]


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """What the model deployments report, and whether the service is ready.

    Parameters
    ----------
    handles
        The deployment of each mode.
    v1
        The deployment of v1, None if it is not deployed.
    flags
        Know the flags now.
    plane
        Knows whether the store answers.
    deadline_s
        How long a deployment may take to answer.
    """

    handles: Mapping[NetworkMode, DeploymentHandle[Any]]
    v1: DeploymentHandle[Any] | None
    flags: FlagSource
    plane: DataPlane
    deadline_s: float

    async def models(self) -> dict[str, dict[str, Any]]:
        """Return what serves each mode, and v1, which may have no replica now."""
        models = await self._modes()
        if self.v1 is not None:
            name, needed = v1_features.NAME, self.flags.current.wants_v1
            models[name] = await describe_if_awake(self.v1, name, self.deadline_s, needed)
        return models

    async def mode(self, name: str) -> dict[str, Any]:
        """Return what serves one mode, or ``{"error": reason}``."""
        return await describe(self.handles[NetworkMode(name)], self.deadline_s)

    async def problems(self) -> dict[str, str]:
        """Return what keeps the service from being ready, by model or ``store``."""
        models = await self._modes()
        problems = {mode: model["error"] for mode, model in models.items() if "error" in model}
        try:
            await self.plane.ready()
        except StoreUnavailable as error:
            problems["store"] = str(error)
        return problems

    async def _modes(self) -> dict[str, dict[str, Any]]:
        calls = (describe(handle, self.deadline_s) for handle in self.handles.values())
        return dict(zip(map(str, self.handles), await asyncio.gather(*calls), strict=True))
