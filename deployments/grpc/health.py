"""The standard service `grpc.health.v1.Health`: for gRPC what `/readyz` is for HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

__all__ = ["Health"]

Asked: TypeAlias = health_pb2.HealthCheckRequest
Told: TypeAlias = health_pb2.HealthCheckResponse

_EVERY_S = 1.0


class Health(health_pb2_grpc.HealthServicer):
    """Asks when it is asked, so that it never tells of a moment ago.

    Parameters
    ----------
    service
        The name that callers may ask for; an empty one means the whole server.
    ready
        Whether calls would be answered by the models.
    every_s
        How often a watcher's status is looked at.
    """

    def __init__(
        self, service: str, ready: Callable[[], Awaitable[bool]], every_s: float = _EVERY_S
    ) -> None:
        self._known = ("", service)
        self._ready = ready
        self._every_s = every_s

    async def Check(self, request: Asked, context: grpc.aio.ServicerContext) -> Told:
        """Tell whether the service is ready; NOT_FOUND for another one."""
        if request.service not in self._known:
            known = self._known[1]
            message = f"service is {request.service!r}; it is {known}, or empty for all of them."
            await context.abort(grpc.StatusCode.NOT_FOUND, message)
        return Told(status=await self._status(request.service))

    async def Watch(self, request: Asked, context: grpc.aio.ServicerContext) -> AsyncIterator[Told]:
        """Tell the status now and whenever it changes, for as long as the caller listens."""
        last = None
        while True:
            status = await self._status(request.service)
            if status != last:
                yield Told(status=status)
            last = status
            await asyncio.sleep(self._every_s)

    async def _status(self, service: str) -> int:
        if service not in self._known:
            return int(Told.SERVICE_UNKNOWN)
        return int(Told.SERVING if await self._ready() else Told.NOT_SERVING)
