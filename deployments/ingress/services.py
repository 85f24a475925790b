"""What the routes of one router replica use."""

import asyncio
import logging
from dataclasses import dataclass

from pba.serving.callers import Callers
from pba.serving.data_plane import DataPlane
from pba.serving.flag_watch import FlagWatch
from pba.serving.group_commit import GroupCommit
from pba.serving.live_routers import LiveRouters
from pba.serving.local_models import LocalModels
from pba.serving.model_inference import ModelInference
from pba.serving.pools import Pools
from pba.serving.refusal_counter import RefusalCounter
from pba.serving.watches import Watches
from pba.store import Store

from ..settings import Settings
from ..store_factory import Stores
from .model_status import ModelStatus
from .operations import Operations
from .request_body import BodyReader

__all__ = ["Services"]

_DRAIN_S = 4.0  # with the seconds of gRPC within the router's graceful_shutdown_timeout_s

_log = logging.getLogger("ray.serve")


@dataclass(frozen=True, slots=True)
class Services:
    """The collaborators of the routes, wired by `wiring`.

    Parameters
    ----------
    commit
        Writes to the store.
    stores
        The one database, by kind of call.
    pools
        Where these calls run.
    operations
        What operators see and change.
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
    inference
        Runs the raw models.
    """

    plane: DataPlane
    commit: GroupCommit
    stores: Stores
    pools: Pools
    operations: Operations
    bodies: BodyReader
    status: ModelStatus
    flags: FlagWatch
    callers: Callers
    routers: LiveRouters
    refusals: RefusalCounter
    watches: Watches
    inference: ModelInference
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
