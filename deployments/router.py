"""The ingress: HTTP, gRPC and handle calls over `Service`. Stateless: any replica may die."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import Request, Response
from ray import serve
from ray.serve.handle import DeploymentHandle

from deployments import http
from deployments.asking import asking, described
from deployments.gate import Gate
from deployments.grpc.server import GrpcServer
from deployments.metrics import Meter
from deployments.own_address import listen_there_only
from deployments.schema import BulkBody, ForecastBody, encode, read_queries, read_query
from deployments.service import Service
from deployments.settings import Settings
from pba.errors import PBAError, Unavailable
from pba.forecasting import Query
from pba.models.ewma import Ewma
from pba.types import Forecast, NetworkMode

__all__ = ["Router"]

_api = http.api()


@serve.ingress(_api)
class Router:
    """Answers controllers."""

    async def __init__(  # type: ignore[misc] # Serve awaits it
        self, datacenter: DeploymentHandle[Any], internet: DeploymentHandle[Any], settings: Settings
    ) -> None:
        listen_there_only()
        self._handles = {NetworkMode.DATACENTER: datacenter, NetworkMode.INTERNET: internet}
        self._settings = settings
        self._meter = Meter()
        self._gate = Gate(settings.max_in_flight)
        self._service = Service(
            {mode: asking(handle) for mode, handle in self._handles.items()},
            Ewma(),
            settings.model_deadline_ms / 1000,
            settings.gap_intervals,
            lambda: datetime.now(UTC),
        )
        self._grpc = GrpcServer(self, settings, self._ready) if settings.grpc_port else None
        if self._grpc is not None:
            await self._grpc.start()

    async def __del__(self) -> None:
        """End what Serve does not: called by it when the replica has drained."""
        if self._grpc is not None:
            await self._grpc.stop()

    async def forecast(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return one forecast; the same shapes as ``POST /v1/forecast``."""
        return await self._one(encode(request))

    async def forecasts(self, requests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return a forecast or an error for each request, in order."""
        return await self._many(encode({"requests": requests}))

    @_api.post("/v1/forecast", **http.documented(ForecastBody, http.ForecastAnswer))
    async def post_forecast(self, request: Request) -> Response:
        """Forecast from a given history."""
        body = await http.read_body(request, self._settings.max_body_mb)
        return http.json(await self._one(body))

    @_api.post("/v1/forecasts", **http.documented(BulkBody, http.BulkAnswer))
    async def post_forecasts(self, request: Request) -> Response:
        """Forecast for many histories at once; each is answered in its place."""
        body = await http.read_body(request, self._settings.max_body_mb)
        return http.json({"forecasts": await self._many(body)})

    @_api.get("/v1/models")
    async def get_models(self) -> Response:
        """Tell what serves each mode."""
        return http.json({"models": await self._describe()})

    @_api.get("/livez")
    async def livez(self) -> Response:
        """Tell that the process is up."""
        return http.json({"status": "alive"})

    @_api.get("/readyz")
    async def readyz(self) -> Response:
        """Tell whether the models are loaded; 503 while one is not."""
        away = await self._away()
        if away:
            raise Unavailable(f"not ready: {away}. Look at the model deployments' logs.")
        return http.json({"status": "ready"})

    async def observe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Refuse: samples cannot be stored yet."""
        raise Unavailable("samples cannot be stored yet. Send the history with each call.")

    async def answer_one(self, read: Callable[[], Query]) -> Forecast:
        """Return the forecast for the query that ``read`` gives; admitted and counted."""
        with self._meter.request("forecast"), self._gate.admit():
            started = time.perf_counter()
            made = await self._service.forecast(read())
            self._meter.forecast(made, time.perf_counter() - started)
            return made

    async def answer_many(
        self, read: Callable[[], list[Query | PBAError]]
    ) -> list[Forecast | PBAError]:
        """Return a forecast, or what is wrong, for each query that ``read`` gives; as above."""
        with self._meter.request("forecasts"), self._gate.admit():
            made = await self._service.forecasts(read())
            self._meter.bulk(made)
            return made

    async def _one(self, body: bytes) -> dict[str, Any]:
        return (await self.answer_one(lambda: read_query(body))).as_dict()

    async def _many(self, body: bytes) -> list[dict[str, Any]]:
        made = await self.answer_many(lambda: read_queries(body, self._settings.max_items))
        return [
            {"error": item.body()} if isinstance(item, PBAError) else {"forecast": item.as_dict()}
            for item in made
        ]

    async def _ready(self) -> bool:
        return not await self._away()

    async def _away(self) -> dict[str, str]:
        found = await self._describe()
        return {mode: said["error"] for mode, said in found.items() if "error" in said}

    async def _describe(self) -> dict[str, dict[str, Any]]:
        deadline_s = self._settings.model_deadline_ms / 1000
        told = await asyncio.gather(
            *(described(handle, deadline_s) for handle in self._handles.values())
        )
        return dict(zip(map(str, self._handles), told, strict=True))
