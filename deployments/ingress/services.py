"""What the routes of one router replica use."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ray.serve.handle import DeploymentHandle

from pba.errors import StoreUnavailable
from pba.models import v1_features
from pba.serving.admission import Admission
from pba.serving.callers import Callers
from pba.serving.data_plane import DataPlane
from pba.serving.event_watch import EventWatch
from pba.serving.flag_watch import FlagSource, FlagWatch
from pba.serving.link_watch import LinkWatch
from pba.serving.live_routers import LiveRouters
from pba.serving.local_models import LocalModels
from pba.serving.model_catalog import ModelCatalog
from pba.serving.pools import Pools
from pba.serving.refusal_counter import RefusalCounter
from pba.store import Store
from pba.types import NetworkMode

from ..replicas.model_handle import describe, describe_if_awake
from ..settings import Settings
from ..store_factory import Stores
from .request_body import BodyReader

__all__ = ["ModelStatus", "Services", "Watches"]

_DRAIN_S = 4.0  # with the seconds of gRPC within the router's graceful_shutdown_timeout_s

_log = logging.getLogger("ray.serve")


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


@dataclass(frozen=True, slots=True)
class Watches:
    """What streams of this router need: who watches what, and how many streams there are.

    They are no requests in flight: most of the time they wait.
    """

    links: LinkWatch
    events: EventWatch
    streams: Admission

    def stop(self) -> None:
        """Stop following the store."""
        self.links.stop()
        self.events.stop()


@dataclass(frozen=True, slots=True)
class Services:
    """The collaborators of the routes, wired by `wiring`.

    Parameters
    ----------
    stores
        The one database, by kind of call.
    pools
        Where these calls run.
    bodies
        Reads the bodies of requests.
    callers
        Knows who calls.
    routers
        Count the routers, which share the limits of callers.
    refusals
        Count calls that are refused for who makes them.
    watches
        Who watches links and events.
    """

    plane: DataPlane
    stores: Stores
    pools: Pools
    bodies: BodyReader
    catalog: ModelCatalog
    status: ModelStatus
    flags: FlagWatch
    callers: Callers
    routers: LiveRouters
    refusals: RefusalCounter
    watches: Watches
    local: LocalModels
    settings: Settings

    @property
    def store(self) -> Store:
        """The store for reports."""
        return self.stores.reports

    async def problems(self) -> dict[str, str]:
        """Return what keeps the service from being ready, by model, ``store`` or ``keys``."""
        problems = await self.status.problems()
        refusal = self.callers.refusal
        return problems if refusal is None else {**problems, "keys": str(refusal)}

    async def close(self) -> None:
        """Finish what is being written, for a few seconds at most, and close the store."""
        self.flags.stop()
        self.callers.stop()
        self.local.stop()
        self.watches.stop()
        try:
            async with asyncio.timeout(_DRAIN_S):
                await self.plane.drain()
                await asyncio.gather(self.refusals.stop(), self.routers.stop())
        except TimeoutError:
            _log.warning("not_all_recorded", extra={"why": f"not written within {_DRAIN_S:g} s"})
        self.pools.close()
        self.stores.close()
