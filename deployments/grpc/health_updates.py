"""The standard service `grpc.health.v1.Health`: for gRPC what `/readyz` is for HTTP.

`Check` answers the status of the last look, which may be a second old.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sized

from grpc_health.v1 import health, health_pb2

__all__ = ["HealthUpdates"]

_EVERY_S = 1.0


class HealthUpdates:
    """Sets the status of services once a second.

    Parameters
    ----------
    services
        Their names; an empty one means the whole server.
    problems
        What keeps the server from being ready; empty if nothing does.
    every_s
        Seconds between two looks.

    Attributes
    ----------
    servicer
        Answers `Check` and `Watch`.
    """

    def __init__(
        self,
        services: Collection[str],
        problems: Callable[[], Awaitable[Sized]],
        every_s: float = _EVERY_S,
    ) -> None:
        self.servicer = health.aio.HealthServicer()
        self._services = services
        self._problems = problems
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Set the status now and from now on."""
        await self._update()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Set every status to NOT_SERVING, for good."""
        if self._task is not None:
            self._task.cancel()
        await self.servicer.enter_graceful_shutdown()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            await self._update()

    async def _update(self) -> None:
        response = health_pb2.HealthCheckResponse
        status = response.NOT_SERVING if await self._problems() else response.SERVING
        for service in self._services:
            await self.servicer.set(service, status)
