"""The router deployment: HTTP, gRPC and handle calls over one data plane.

It keeps no state, so any replica may answer for any link, and any replica may die.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from opentelemetry.trace import StatusCode
from pydantic import BaseModel, ConfigDict, Field
from ray import serve
from ray.serve.handle import DeploymentHandle
from starlette.types import ASGIApp

from pba.errors import PBAError
from pba.project import resolve
from pba.security.identity import ANYBODY
from pba.serving.transfers import transfer, transfers
from pba.types import NetworkMode

from ..error_codes import http_status
from ..large_requests import read_request, write_answer
from ..ray_metrics import RayMetrics
from ..replicas.autoscaling import ARRIVALS, IN_FLIGHT, STREAMS
from ..replicas.memory import return_large_memory
from ..replicas.model_announcer import ModelAnnouncer
from ..replicas.model_metrics import ModelMetrics
from ..replicas.rates import Rates
from ..replicas.replica_setup import leave_lasting_objects, set_up_replica
from ..replicas.v1_keepalive import keep_v1_awake
from ..settings import Settings
from ..tracing import start_tracing
from .exposure import is_on_loopback, warn_while_open
from .load_metrics import follow_load
from .request_metrics import RequestMetrics
from .request_reading import (
    read_forecast_option,
    read_link_ids,
    read_queries,
    read_query,
    read_samples,
)
from .routes import http_application
from .routes.forecasts import bulk_items
from .routes.samples import observe
from .routes.transfers import transfer_items
from .transfer_reading import read_transfer, read_transfers
from .wiring import Handles, grpc_server, wire

__all__ = ["Router", "RouterConfig"]

Carrier = Mapping[str, str] | None
"""The W3C trace context of whoever calls through a handle, by the names of its headers."""


class RouterConfig(BaseModel):
    """The router's `user_config`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    local_windows: int = Field(
        4,
        ge=0,
        description="The most windows of a model call that a router answers by itself; larger "
        "calls go to the model deployments. 0 sends every call there.",
    )
    local_wait_ms: float = Field(
        100.0,
        gt=0,
        description="A call that has waited for so long in the router goes to a model deployment.",
    )
    shares_large: bool = Field(
        True,
        description="Whether the router computes some of several larger calls at once by itself, "
        "up to half as many as the deployment, so that a bulk request takes less time.",
    )
    models: dict[str, str] = Field(
        {},
        description="The folder of each mode's shipped model, as in the `user_config` of its "
        "deployment. A mode without one is answered by its deployment alone.",
    )


@serve.ingress()
class Router:
    """Answers controllers."""

    async def __init__(  # type: ignore[misc] # Serve awaits it
        self,
        datacenter: DeploymentHandle[Any],
        internet: DeploymentHandle[Any],
        v1: DeploymentHandle[Any] | None,
        monitor: DeploymentHandle[Any],  # not called: Serve deploys what the router is bound to
        settings: Settings,
    ) -> None:
        set_up_replica()
        return_large_memory()
        self._tracing = start_tracing("Router")
        modes = {NetworkMode.DATACENTER: datacenter, NetworkMode.INTERNET: internet}
        self._rates = Rates(time.monotonic)
        on_loopback = await is_on_loopback(settings)
        opens = settings.insecure or on_loopback
        self._metrics = RayMetrics()
        models = ModelMetrics(self._metrics)
        services = wire(
            settings,
            Handles(modes, v1),
            RequestMetrics(self._metrics),
            opens,
            partial(ModelAnnouncer, count_refused=models.count_refused),
            models.count_run,
        )
        models.follow(lambda: services.local.hosts)
        follow_load(self._metrics, services)
        self._metrics.start()
        self._services, self._plane, self._limit = services, services.plane, settings.max_items
        await asyncio.gather(services.flags.start(), services.callers.start())
        services.refusals.start()
        services.routers.start()
        background = [] if v1 is None else [keep_v1_awake(services.flags, v1.stay.remote)]
        background += [] if on_loopback else [warn_while_open(services.callers)]
        self._background = [asyncio.create_task(work) for work in background]
        self._grpc = grpc_server(services, self._tracing) if settings.grpc_port else None
        if self._grpc is not None:
            await self._grpc.start()
        leave_lasting_objects()

    def __serve_build_asgi_app__(self) -> ASGIApp:
        """Return the HTTP application of this replica; called by Serve after ``__init__``."""
        return http_application(self._services, self._tracing)

    async def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Apply ``user_config``: at once the first time, in the background afterwards."""
        config = RouterConfig.model_validate(user_config)
        folders = {name: resolve(folder) for name, folder in config.models.items()}
        await self._services.local.configure(
            folders,
            config.local_windows,
            config.local_wait_ms / 1000,
            config.shares_large,
        )

    def record_autoscaling_stats(self) -> dict[str, float]:
        """Return the requests in flight, the streams and what arrives, for `router_replicas`."""
        streams = self._services.watches.streams.in_flight
        arrivals = self._rates.per_second({ARRIVALS: self._plane.admitted})
        return {IN_FLIGHT: self._plane.in_flight, STREAMS: streams, **arrivals}

    def check_health(self) -> None:
        """Have Ray restart the replica if it no longer notices new flags, keys or champions."""
        if not self._services.flags.running:
            raise RuntimeError("the replica no longer reads the flags; its log says why.")
        if not self._services.callers.running:
            raise RuntimeError("the replica no longer reads the keys; its log says why.")
        if not self._services.local.running:
            raise RuntimeError("the replica no longer follows the champions; its log says why.")

    async def __del__(self) -> None:
        """Stop the background work; called by Serve when the replica has drained."""
        for task in self._background:
            task.cancel()
        if self._grpc is not None:
            await self._grpc.stop()
        await self._services.close()
        self._metrics.stop()
        await asyncio.to_thread(self._tracing.stop)

    @contextlib.contextmanager
    def _admit(self, call: str, trace: Carrier) -> Iterator[float]:
        """Admit a call through a handle, as `DataPlane.admit`, and trace it."""
        with self._tracing.request(call, trace or {}) as span:
            try:
                with self._plane.admit(call) as started:
                    yield started
            except Exception as error:
                if not isinstance(error, PBAError) or http_status(error) >= 500:
                    span.record_exception(error)
                    span.set_status(StatusCode.ERROR)
                raise

    async def forecast(self, request: Mapping[str, Any], trace: Carrier = None) -> dict[str, Any]:
        """Return one forecast; the same shapes as ``POST /v1/forecast``."""
        with self._admit("forecast", trace) as started:
            query = await read_request(self._plane, read_query, request)
            return (await self._plane.forecast(query, started)).as_dict()

    async def forecasts(
        self, requests: Sequence[Mapping[str, Any]], trace: Carrier = None
    ) -> list[dict[str, Any]]:
        """Return a forecast or an error for each request, in order."""
        with self._admit("forecasts", trace):
            queries = await read_request(
                self._plane, read_queries, {"requests": requests}, self._limit
            )
            items = await self._plane.forecasts(queries)
            return await write_answer(self._plane, bulk_items, items)

    async def transfer(self, request: Mapping[str, Any], trace: Carrier = None) -> dict[str, Any]:
        """Return how long a transfer takes; the same shapes as ``POST /v1/transfer``."""
        with self._admit("transfer", trace) as started:
            query = await read_request(self._plane, read_transfer, request)
            return (await transfer(self._plane, ANYBODY, query, started)).as_dict()

    async def transfers(
        self, requests: Sequence[Mapping[str, Any]], trace: Carrier = None
    ) -> list[dict[str, Any]]:
        """Return how long each transfer takes, or an error, in order."""
        with self._admit("transfers", trace):
            queries = await read_request(
                self._plane, read_transfers, {"requests": requests}, self._limit
            )
            items = await transfers(self._plane, ANYBODY, queries)
            return await write_answer(self._plane, transfer_items, items)

    async def observe(self, request: Mapping[str, Any], trace: Carrier = None) -> dict[str, Any]:
        """Store samples of many links; the same shapes as ``POST /v1/samples``.

        With a true ``forecast`` beside the samples, each receipt carries its link's forecast.
        """
        with self._admit("samples", trace) as started:
            forecast, body = read_forecast_option(request)
            reports = await read_request(self._plane, read_samples, body, self._limit)
            return await observe(self._plane, ANYBODY, reports, started, forecast)

    async def link_forecast(self, link_id: str, trace: Carrier = None) -> dict[str, Any]:
        """Return the forecast from a link's stored history."""
        with self._admit("link_forecast", trace) as started:
            return (await self._plane.link_forecast(link_id, None, started)).as_dict()

    async def link_forecasts(
        self, link_ids: Sequence[str], trace: Carrier = None
    ) -> list[dict[str, Any]]:
        """Return a forecast or an error for each link, in order."""
        with self._admit("link_forecasts", trace):
            names, advice = read_link_ids({"link_ids": link_ids}, self._limit)
            items = await self._plane.link_forecasts(names, advice)
            return await write_answer(self._plane, bulk_items, items)
