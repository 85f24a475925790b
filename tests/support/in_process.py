"""The services of a router replica in this process: toy models behind stand-ins for handles."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn
from unittest.mock import AsyncMock, patch

import httpx

from deployments.ingress.router import Router
from deployments.ingress.routes import http_application
from deployments.ingress.services import Services
from deployments.ingress.wiring import Handles, wire
from deployments.replicas import model_handle
from deployments.settings import Settings
from deployments.tracing import OFF
from pba.errors import PBAError
from pba.forecasting import ModelOutput
from pba.models.onnx_session import CPU_SESSION
from pba.monitoring.scorer import Scorer
from pba.registry import Registry
from pba.security.key_ring import StoredKeys
from pba.serving.admission import Admission
from pba.serving.event_watch import EventWatch
from pba.serving.key_watch import KeySnapshot
from pba.serving.link_watch import LinkWatch
from pba.serving.model_host import ModelHost
from pba.serving.pools import DEFAULT_POOL
from pba.serving.watches import Watches
from pba.store import Store
from pba.store.url import describe_url
from pba.types import Floats, Forecast, NetworkMode
from tests.support.databases import new_file
from tests.toy import toy_artifact

JSON = {"Content-Type": "application/json"}  # of bodies that are given as bytes


class NoMeter:
    """Counts nothing."""

    def count_error(self, call: str, error: PBAError) -> None:
        """Count nothing."""

    def count_limit(self, role: str, limit: str) -> None:
        """Count nothing."""

    def count_forecast(self, forecast: Forecast, seconds: float) -> None:
        """Count nothing."""

    def count_bulk(self, items: Any) -> None:
        """Count nothing."""

    def count_samples(self, receipts: Any) -> None:
        """Count nothing."""

    def count_lost_samples(self, reports: Any) -> None:
        """Count nothing."""

    def count_not_recorded(self, count: int) -> None:
        """Count nothing."""

    def time_store(self, pool: str, seconds: float) -> None:
        """Count nothing."""

    def count_run(self, model: str, windows: int, seconds: float) -> None:
        """Count nothing."""


def nobody_watches(store: Store) -> Watches:
    """Return the watches of a service in which nobody watches."""

    async def no_forecasts(*_: object, **__: object) -> NoReturn:
        raise AssertionError("nobody watches")

    links = LinkWatch(store.changes, no_forecasts, lambda links: [], DEFAULT_POOL)
    return Watches(links, EventWatch(store, DEFAULT_POOL), Admission(1), 60.0)


@dataclass
class Method:
    """A method of a handle: Ray's are called as ``handle.name.remote(...)``."""

    remote: Callable[..., Awaitable[Any]]


class ModelStandIn:
    """Stands in for the handle of a model deployment; ``error`` is raised if it is set.

    `traces` has the trace context of each call.
    """

    def __init__(self, host: ModelHost) -> None:
        self.host = host
        self.error: Exception | None = None
        self.traces: list[Mapping[str, str] | None] = []
        self.predict, self.describe = Method(self._predict), Method(self._describe)

    async def _predict(
        self, telemetry: Floats, trace: Mapping[str, str] | None = None
    ) -> ModelOutput:
        if self.error:
            raise self.error
        self.traces.append(trace)
        model = self.host.forecaster
        return ModelOutput(model.version, model.bins, model.predict(telemetry))

    async def _describe(self) -> dict[str, Any]:
        if self.error:
            raise self.error
        return self.host.describe()


class MonitorStandIn:
    """Stands in for the Monitor, which scores when a test calls `InProcess.settle`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.scorer = Scorer(store)


class RetrainingStandIn:
    """Stands in for the cluster that trains: takes jobs, which end at once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def submit(self, job: str, mode: str) -> None:
        """Take a job, which ends at once."""

    def running(self, job: str) -> bool:
        """Return whether a job has not ended."""
        return False


@dataclass
class InProcess:
    """The services over a folder, and a client of their HTTP application."""

    folder: Path
    services: Services
    models: Mapping[str, ModelStandIn]
    monitor: MonitorStandIn
    client: httpx.AsyncClient

    def router(self, limit: int) -> Any:
        """Return what answers handle calls of at most ``limit`` items, without its deployment."""
        parts = {"_plane": self.services.plane, "_limit": limit, "_tracing": OFF}
        router = SimpleNamespace(**parts)
        router._admit = partial(Router._admit, router)
        return router

    async def settle(self) -> None:
        """Wait for recordings, score what is stored, and follow the champions."""
        await self.services.plane.drain()
        while (await asyncio.to_thread(self.monitor.scorer.score_due)).links:
            pass
        for model in self.models.values():
            await model.host._poll()


@contextlib.asynccontextmanager
async def open_in_process(
    folder: Path,
    v1: bool = True,
    opens: bool = True,
    new_node: bool = False,
    shipped: Path | None = None,
    **settings: Any,
) -> AsyncIterator[InProcess]:
    """Yield the services over new files in ``folder``; ``settings`` replace the defaults.

    Unless it is a ``new_node``, the node knows that the store had no keys a moment ago. It has toy
    models, or those ``shipped`` in a folder.
    """
    given = {
        "store_url": f"sqlite:///{folder}/pba.db",
        "registry": str(folder / "registry"),
        "record_deadline_ms": 30_000.0,
        "model_deadline_ms": 30_000.0,
        "keys_snapshot": str(folder / "keys-snapshot.json"),
    }
    options = Settings(**{**given, **settings, "v1": v1})
    if "store_url" not in settings and not (folder / "pba.db").exists():
        new_file(folder / "pba.db")
    if not new_node:
        now_s = time.time()  # noqa: TID251 - the routers' clock
        snapshot = KeySnapshot(Path(options.keys_snapshot), describe_url(options.store_url))
        snapshot.save(StoredKeys((), now_s))
    (folder / "registry").mkdir(exist_ok=True)
    names = ("datacenter", "internet", *(["v1"] if v1 else []))
    models = {name: await _model(name, folder, options.registry, shipped) for name in names}
    modes = {mode: models[mode] for mode in (NetworkMode.DATACENTER, NetworkMode.INTERNET)}
    monitor = MonitorStandIn(Store(options.store_url, time.time))  # noqa: TID251 - the routers' clock
    handles = Handles(modes, models.get("v1"))  # type: ignore[arg-type]
    silent = _announces_nothing, NoMeter().count_run
    services = wire(options, handles, NoMeter(), opens, *silent, RetrainingStandIn)
    # Serve's controller would be consulted, which starts Ray: v1 has no replica here.
    with patch.object(model_handle, "_running_replicas", AsyncMock(return_value=0)):
        async with _client(services) as client:
            await asyncio.gather(services.flags.refresh(), services.callers.refresh())
            yield InProcess(folder, services, models, monitor, client)
    for model in models.values():
        model.host.stop()
    await services.close()
    monitor.store.close()


async def _model(name: str, folder: Path, registry: str, shipped: Path | None) -> ModelStandIn:
    host = ModelHost(name, Registry(registry, lambda: 1e9), 3600.0, lambda kind, body: None)
    artifact = shipped / name if shipped else toy_artifact(folder / name, name)
    await host.configure(str(artifact), CPU_SESSION)
    return ModelStandIn(host)


def _announces_nothing(store: Store) -> Callable[[str, dict[str, Any]], None]:
    return lambda kind, body: None


def _client(services: Services) -> httpx.AsyncClient:
    """Return a client of the HTTP application of ``services``."""
    transport = httpx.ASGITransport(http_application(services), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test", timeout=30, headers=JSON)
