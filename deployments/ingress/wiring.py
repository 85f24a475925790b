"""Wires the services of one router replica from the settings and its deployment handles."""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import onnxruntime  # noqa: F401 - at the start, or its import stalls requests at a promotion
from ray.serve.handle import DeploymentHandle

from pba.models import v1_features
from pba.monitoring.retraining import RetrainingJobs, RetrainingPolicy
from pba.project import resolve
from pba.registry import Registry
from pba.registry.promotion import Promoter
from pba.rollout import Flags
from pba.serving.admission import Admission
from pba.serving.caller_limits import CallerLimits
from pba.serving.callers import Callers
from pba.serving.data_plane import DataPlane, RequestMeter
from pba.serving.event_log import EventLog
from pba.serving.event_watch import EventWatch
from pba.serving.flag_watch import FlagWatch
from pba.serving.forecast_service import ForecastService, ModelClient
from pba.serving.group_commit import GroupCommit
from pba.serving.key_watch import KeySnapshot, KeySources, KeyWatch
from pba.serving.link_service import LinkService
from pba.serving.link_watch import LinkWatch, WatchedLinks
from pba.serving.live_routers import LiveRouters
from pba.serving.local_models import LocalModels
from pba.serving.model_catalog import ModelCatalog
from pba.serving.model_inference import ModelInference
from pba.serving.new_links import NewLinks
from pba.serving.pools import Pools
from pba.serving.refusal_counter import RefusalCounter
from pba.serving.retraining_start import RetrainingStart
from pba.serving.token_watch import TokenWatch
from pba.serving.watches import Watches
from pba.store import Store
from pba.store.url import describe_url
from pba.types import NetworkMode

from ..grpc.server import GrpcServer
from ..replicas.model_handle import model_client
from ..replicas.ray_jobs import RayJobs
from ..settings import Settings
from ..store_factory import Stores
from ..tracing import OFF, Tracing
from .model_status import ModelStatus
from .operations import Operations
from .request_body import BodyReader
from .services import Services

__all__ = ["Handles", "grpc_server", "wire"]

_clock = time.time  # noqa: TID251 - the clock that is passed in


@dataclass(frozen=True, slots=True)
class Handles:
    """The deployments that a router calls; v1 may be left out."""

    modes: Mapping[NetworkMode, DeploymentHandle[Any]]
    v1: DeploymentHandle[Any] | None


def wire(
    settings: Settings,
    handles: Handles,
    meter: RequestMeter,
    opens: bool,
    announcer: Callable[[Store], Callable[[str, dict[str, Any]], None]],
    count_run: Callable[[str, int, float], None],
    jobs: Callable[[Settings], RetrainingJobs] = RayJobs,
) -> Services:
    """Return the services; flags and keys are not read before `FlagWatch.start`, `Callers.start`.

    Parameters
    ----------
    opens
        Whether all is open while there are no keys.
    announcer
        Returns what announces the events of models that are loaded here, given a store.
    count_run
        As for `LocalModels`.
    """
    stores, pools = Stores.open(settings), Pools.separate(meter.time_store)
    flags, registry = _flag_watch(settings, stores, pools), _registry(settings)
    announce, remote = announcer(stores.reports), _mode_clients(handles)
    local = LocalModels(remote, registry, settings.follow_every_s, announce, count_run)
    clients = _clients(local, handles)
    routers = LiveRouters(stores.reports.routers, uuid.uuid4().hex)
    limits = CallerLimits(settings.limits, routers, count=meter.count_limit)
    commit = GroupCommit(stores.writes.write, settings.max_writes_waiting, pools.writes)
    plane = _data_plane(settings, stores, commit, pools, clients, flags, meter, limits)
    deadline_s = settings.model_deadline_ms / 1000
    status = ModelStatus(handles.modes, handles.v1, flags, plane, deadline_s)
    catalog = _catalog(handles, registry, stores.reports)
    retraining = _retraining(handles, stores.reports, settings, jobs)
    return Services(
        plane=plane,
        commit=commit,
        stores=stores,
        pools=pools,
        operations=Operations(plane, stores, catalog, status, flags, retraining),
        bodies=BodyReader(settings.max_body_mb, settings.max_readers, settings.large_bodies_mb),
        status=status,
        flags=flags,
        callers=_callers(settings, stores, pools, opens),
        routers=routers,
        refusals=RefusalCounter(stores.reports.refusals.add, _clock, pools.reports),
        watches=_watches(settings, stores, pools, plane, commit),
        inference=ModelInference(local.clients, status.mode, deadline_s),
        local=local,
        settings=settings,
    )


def grpc_server(services: Services, tracing: Tracing = OFF) -> GrpcServer:
    """Return the gRPC server over ``services``; call it inside an event loop."""
    return GrpcServer(
        services.plane,
        services.watches,
        services.settings,
        services.callers,
        services.problems,
        services.refusals,
        services.operations.answer,
        services.inference,
        tracing=tracing,
    )


def _flag_watch(settings: Settings, stores: Stores, pools: Pools) -> FlagWatch:
    return FlagWatch(
        stores.flags.flags,
        Flags().changed(settings.flags),
        settings.flags_every_s,
        settings.store_deadline_ms / 1000,
        pools.flags,
    )


def _mode_clients(handles: Handles) -> dict[str, ModelClient]:
    return {mode: model_client(handle) for mode, handle in handles.modes.items()}


def _clients(local: LocalModels, handles: Handles) -> dict[str, ModelClient]:
    v1 = {} if handles.v1 is None else {v1_features.NAME: model_client(handles.v1)}
    return local.clients | v1


def _catalog(handles: Handles, registry: Registry, store: Store) -> ModelCatalog:
    promoter = Promoter(registry, EventLog(store).add, _clock)
    return ModelCatalog([*handles.modes, v1_features.NAME], registry, promoter)


def _registry(settings: Settings) -> Registry:
    return Registry(resolve(settings.registry), _clock)


def _retraining(
    handles: Handles, store: Store, settings: Settings, jobs: Callable[[Settings], RetrainingJobs]
) -> RetrainingStart:
    policy = RetrainingPolicy(store, jobs(settings), settings.retrain_every_h, _clock)
    return RetrainingStart(list(handles.modes), policy)


def _callers(settings: Settings, stores: Stores, pools: Pools, opens: bool) -> Callers:
    keys = _key_watch(settings, stores, pools, opens)
    rules, tokens = settings.token_rules, None
    if rules is not None:
        tokens = TokenWatch(
            rules,
            settings.token_key_source.read,
            settings.keys_stale_s,
            settings.oidc_keys_every_s,
            _clock,
            settings.store_deadline_ms / 1000,
        )
    return Callers(keys, tokens, settings.client_certificates)


def _key_watch(settings: Settings, stores: Stores, pools: Pools, opens: bool) -> KeyWatch:
    snapshot = settings.keys_snapshot and KeySnapshot(
        Path(resolve(settings.keys_snapshot)), describe_url(settings.store_url)
    )
    file = settings.keys_file and Path(resolve(settings.keys_file))
    return KeyWatch(
        KeySources(
            stores.flags.keys.records,
            file or None,
            snapshot or None,
            others=settings.identifies_without_keys,
        ),
        opens,
        settings.keys_stale_s,
        settings.flags_every_s,
        _clock,
        settings.store_deadline_ms / 1000,
        pools.keys,
    )


def _data_plane(
    settings: Settings,
    stores: Stores,
    commit: GroupCommit,
    pools: Pools,
    clients: Mapping[str, ModelClient],
    flags: FlagWatch,
    meter: RequestMeter,
    limits: CallerLimits,
) -> DataPlane:
    forecasts = ForecastService(
        clients,
        settings.model_deadline_ms / 1000,
        settings.gap_intervals,
        _now,
        flags,
        settings.chunks_at_once,
        pools.forecasts,
    )
    links = LinkService(
        forecasts,
        stores.reads,
        commit,
        settings.max_ahead_s,
        _now,
        settings.record_deadline_ms / 1000,
        settings.store_deadline_ms / 1000,
        flags,
        pools,
    )
    links.recorder.on_lost = meter.count_not_recorded
    deadline_s = settings.store_deadline_ms / 1000
    new_links = NewLinks(limits, stores.reads, deadline_s, pools.reads)
    return DataPlane(forecasts, links, settings.max_in_flight, meter, new_links)


def _watches(
    settings: Settings, stores: Stores, pools: Pools, plane: DataPlane, commit: GroupCommit
) -> Watches:
    def existing(links: WatchedLinks) -> list[str]:
        return links.existing(stores.reads, settings.max_items)

    forecast = partial(plane.link_forecasts, allocation=None)
    links = LinkWatch(stores.reads.changes, forecast, existing, pools.reads)
    commit.on_samples = links.stored
    events = EventWatch(stores.reports, pools.reports)
    return Watches(links, events, Admission(settings.max_streams, "streams"), settings.stream_s)


def _now() -> datetime:
    return datetime.now(UTC)
