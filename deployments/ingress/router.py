"""The ingress: HTTP, gRPC and handle calls over `ForecastService` and `LinkService`.

Holds no state that would be missed, so any replica may answer for any link, and any may die.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from fastapi import Request, Response
from ray import serve
from ray.serve.handle import DeploymentHandle

from pba.errors import InvalidRequest, PBAError, StoreUnavailable, Unavailable
from pba.forecasting.allocation import AllocationRequest
from pba.forecasting.assembly import ForecastResult
from pba.forecasting.planning import Query
from pba.models import v1_features as v1
from pba.monitoring.drift_watch import open_alarms
from pba.rollout import Flags
from pba.serving.admission import Admission
from pba.serving.deadline import deadline
from pba.serving.flag_watch import FlagWatch, keep_awake
from pba.serving.forecast_service import ForecastService, ModelClient
from pba.serving.group_commit import GroupCommit
from pba.serving.link_service import LinkService
from pba.serving.model_catalog import ModelCatalog
from pba.serving.notifier import LinkNotifier
from pba.types import Forecast, NetworkMode, parse_mode

from ..grpc.server import GrpcServer
from ..replicas.model_handle import describe, describe_if_awake, model_client
from ..replicas.node_address import listen_on_node_address
from ..settings import Settings
from ..store_factory import open_store
from . import http, request_models, response_models
from .request_metrics import RequestMetrics
from .request_reading import (
    encode,
    read_bulk_samples,
    read_flags,
    read_link_ids,
    read_queries,
    read_query,
    read_samples,
)

__all__ = ["Router"]

_Found = TypeVar("_Found")
_api = http.api()


# Above the class, for Serve copies it, with the names that there are, when it is decorated.
def _now() -> datetime:
    return datetime.now(UTC)


def _told(items: Sequence[Forecast | PBAError]) -> list[dict[str, Any]]:
    return [
        {"error": item.body()} if isinstance(item, PBAError) else {"forecast": item.as_dict()}
        for item in items
    ]


@serve.ingress(_api)
class Router:
    """Answers controllers."""

    async def __init__(  # type: ignore[misc] # Serve awaits it
        self,
        datacenter: DeploymentHandle[Any],
        internet: DeploymentHandle[Any],
        baseline: DeploymentHandle[Any] | None,
        monitor: DeploymentHandle[Any],
        settings: Settings,
    ) -> None:
        listen_on_node_address()
        self._handles = {NetworkMode.DATACENTER: datacenter, NetworkMode.INTERNET: internet}
        self._baseline = baseline
        self._settings = settings
        self._meter = RequestMetrics()
        self._gate = Admission(settings.max_in_flight)
        self._store = open_store(settings)
        self._flags = FlagWatch(
            lambda: self._store.ready().flags(),
            Flags().changed(settings.flags),
            settings.flags_every_s,
        )
        await self._flags.start()
        asked: dict[str, ModelClient] = {
            mode: model_client(handle) for mode, handle in self._handles.items()
        }
        self._awake: asyncio.Task[None] | None = None
        if baseline is not None:
            asked[v1.NAME] = model_client(baseline)
            self._awake = asyncio.create_task(keep_awake(self._flags, baseline.stay.remote))
        self._service = ForecastService(
            asked,
            settings.model_deadline_ms / 1000,
            settings.gap_intervals,
            _now,
            self._flags,
        )
        self._catalog = ModelCatalog([*self._handles, v1.NAME], settings, self._store)
        commit = GroupCommit(self._store.write, settings.max_writes_waiting)
        nudges = LinkNotifier(monitor.hear.remote)
        self._links = LinkService(
            self._service,
            self._store,
            commit,
            nudges.add,
            settings.max_ahead_s,
            _now,
            settings.record_deadline_ms / 1000,
            settings.store_deadline_ms / 1000,
            self._flags,
        )
        self._grpc = GrpcServer(self, settings, self._ready) if settings.grpc_port else None
        if self._grpc is not None:
            await self._grpc.start()

    def check_health(self) -> None:
        """Have Ray start the replica anew if it would not notice a change of flags any more."""
        if not self._flags.watching:
            raise RuntimeError("the replica looks at the flags no more; its log says why.")

    async def __del__(self) -> None:
        """End what Serve does not: called by it when the replica has drained."""
        if self._awake is not None:
            self._awake.cancel()
        self._flags.stop()
        if self._grpc is not None:
            await self._grpc.stop()

    async def forecast(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return one forecast; the same shapes as ``POST /v1/forecast``."""
        return await self._one(encode(request))

    async def forecasts(self, requests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return a forecast or an error for each request, in order."""
        return await self._many(encode({"requests": requests}))

    async def observe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Store samples of many links; the same shapes as ``POST /v1/samples``."""
        return await self._observe(encode(request))

    async def link_forecast(self, link_id: str) -> dict[str, Any]:
        """Return the forecast from a link's stored history."""
        return await self._of_link(link_id)

    async def link_forecasts(self, link_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Return a forecast or an error for each link, in order."""
        return await self._of_links(encode({"link_ids": link_ids}))

    @_api.post(
        "/v1/forecast",
        **http.documented(request_models.ForecastBody, response_models.ForecastAnswer),
    )
    async def post_forecast(self, request: Request) -> Response:
        """Forecast from a given history."""
        body = await http.read_body(request, self._settings.max_body_mb)
        return http.json(await self._one(body))

    @_api.post(
        "/v1/forecasts", **http.documented(request_models.BulkBody, response_models.BulkAnswer)
    )
    async def post_forecasts(self, request: Request) -> Response:
        """Forecast for many histories at once; each is answered in its place."""
        body = await http.read_body(request, self._settings.max_body_mb)
        return http.json({"forecasts": await self._many(body)})

    @_api.post(
        "/v1/links/{link_id}/samples",
        **http.documented(request_models.SamplesBody, response_models.ReceiptAnswer),
    )
    async def post_samples(self, link_id: http.LinkId, request: Request) -> Response:
        """Store samples of a link; acknowledged when they are committed."""
        body = await http.read_body(request, self._settings.max_body_mb)
        with self._admitted("samples"):
            reports = read_samples(body, link_id, self._settings.max_items)
            (receipt,) = await self._links.observe(reports)
        return http.json(receipt.as_dict())

    @_api.post(
        "/v1/samples",
        **http.documented(request_models.BulkSamplesBody, response_models.ReceiptsAnswer),
    )
    async def post_bulk_samples(self, request: Request) -> Response:
        """Store samples of many links, all or none; acknowledged when they are committed."""
        body = await http.read_body(request, self._settings.max_body_mb)
        return http.json(await self._observe(body))

    @_api.get("/v1/links/{link_id}/forecast", response_model=response_models.ForecastAnswer)
    async def get_link_forecast(self, link_id: http.LinkId, allocation: bool = False) -> Response:
        """Forecast from a link's stored history; with the default advice if that is asked for."""
        return http.json(await self._of_link(link_id, AllocationRequest() if allocation else None))

    @_api.post(
        "/v1/links/forecasts",
        **http.documented(request_models.LinksBody, response_models.BulkAnswer),
    )
    async def post_link_forecasts(self, request: Request) -> Response:
        """Forecast for many links from their stored histories; each is answered in its place."""
        body = await http.read_body(request, self._settings.max_body_mb)
        return http.json({"forecasts": await self._of_links(body)})

    @_api.get("/v1/links")
    async def get_links(
        self, mode: str | None = None, cursor: str = "", limit: http.Limit = 100
    ) -> Response:
        """List links in the order of their names; go on with the answer's cursor."""
        wanted = None if mode is None else parse_mode(mode)
        found = await self._asked(self._store.links, wanted, cursor, limit)
        after = found[-1].link_id if len(found) == limit else None
        return http.json({"links": [link.as_dict() for link in found], "cursor": after})

    @_api.get("/v1/links/{link_id}")
    async def get_link(self, link_id: http.LinkId) -> Response:
        """Tell what is known of a link."""
        found = await self._asked(self._store.link, link_id)
        return http.json(found.as_dict())

    @_api.delete("/v1/links/{link_id}")
    async def delete_link(self, link_id: http.LinkId) -> Response:
        """Forget a link and all that is known of it."""
        await self._asked(self._store.delete, link_id)
        return http.json({"deleted": link_id})

    @_api.get("/v1/links/{link_id}/history")
    async def get_history(
        self,
        link_id: http.LinkId,
        since: http.From = None,
        until: http.To = None,
        limit: http.Limit = 1000,
    ) -> Response:
        """Tell what was measured on a link, and what was forecast beside it."""
        found = await self._asked(self._store.history, link_id, *http.span(since, until), limit)
        return http.json(http.history(*found))

    @_api.get("/v1/metrics")
    async def get_metrics(self) -> Response:
        """Tell how forecasts turned out and how long they took, by mode and overall."""
        return http.json(await self._asked(self._store.summary))

    @_api.get("/v1/drift")
    async def get_drift(self) -> Response:
        """Tell which modes and links have changed and not settled since: what, when, how sure."""
        return http.json({"alarms": await self._asked(open_alarms, self._store)})

    @_api.get("/v1/events")
    async def get_events(
        self,
        kind: str | None = None,
        link_id: str | None = None,
        cursor: int | None = None,
        limit: http.Limit = 100,
    ) -> Response:
        """Tell what happened, the newest first; go on with the answer's cursor."""
        found = await self._asked(self._store.events, kind, link_id, cursor, limit)
        after = found[-1].number if len(found) == limit else None
        return http.json({"events": [event.as_dict() for event in found], "cursor": after})

    @_api.get("/v1/models")
    async def get_models(self) -> Response:
        """Tell what serves each mode, and v1, which may be asleep."""
        told = await self._describe()
        if self._baseline is not None:
            deadline_s = self._settings.model_deadline_ms / 1000
            wanted = self._flags().wants_v1
            told[v1.NAME] = await describe_if_awake(self._baseline, v1.NAME, deadline_s, wanted)
        return http.json({"models": told})

    @_api.get("/v1/models/{mode}/versions")
    async def get_versions(self, mode: str) -> Response:
        """Tell which versions of a model are published, and which was champion when."""
        return http.json(await self._catalog.versions(mode))

    @_api.post(
        "/v1/models/{mode}/promote",
        **http.documented(
            request_models.PromotionBody, response_models.PointerAnswer, changes=True
        ),
    )
    async def post_promote(self, mode: str, request: Request) -> Response:
        """Verify a version and make it champion; every replica serves it within seconds."""
        body = await http.read_body(request, self._settings.max_body_mb)
        return http.json(await self._catalog.promote(mode, body))

    @_api.post(
        "/v1/models/{mode}/rollback",
        **http.documented(request_models.RollbackBody, response_models.PointerAnswer, changes=True),
    )
    async def post_rollback(self, mode: str, request: Request) -> Response:
        """Make the champion before this one champion again."""
        body = await http.read_body(request, self._settings.max_body_mb)
        return http.json(await self._catalog.rollback(mode, body))

    @_api.get("/v1/flags", response_model=response_models.FlagsAnswer)
    async def get_flags(self) -> Response:
        """Tell which arm answers for whom, and what else is switched."""
        return http.json((await self._asked(self._store.flags)).as_dict())

    @_api.put(
        "/v1/flags",
        **http.documented(request_models.FlagsBody, response_models.FlagsAnswer, changes=True),
    )
    async def put_flags(self, request: Request) -> Response:
        """Change flags that nobody else has changed since they were read."""
        asked = read_flags(await http.read_body(request, self._settings.max_body_mb))
        held = await self._asked(self._store.flags)
        if self._baseline is None and held.flags.changed(asked.flags).wants_v1:
            raise InvalidRequest("v1 is not deployed; flags leave all links to v3.", "flags")
        held = await self._asked(self._store.change_flags, asked.flags, asked.version, asked.who)
        await self._flags.look()
        return http.json(held.as_dict())

    @_api.get("/v1/rollout")
    async def get_rollout(self, since: http.Since = None) -> Response:
        """Tell how v3 does beside v1, on the moments for which both have forecast."""
        moment = None if since is None else http.span(since, None)[0]
        return http.json(await self._asked(self._store.compare, moment))

    @_api.get("/livez")
    async def livez(self) -> Response:
        """Tell that the process is up."""
        return http.json({"status": "alive"})

    @_api.get("/readyz")
    async def readyz(self) -> Response:
        """Tell whether the models are loaded and the store answers; 503 while one does not."""
        away = await self._away()
        if away:
            raise Unavailable(f"not ready: {away}. Look at the logs of the deployments named.")
        return http.json({"status": "ready"})

    async def answer_one(self, read: Callable[[], Query]) -> Forecast:
        """Return the forecast for the query that ``read`` gives; admitted and counted."""
        with self._admitted("forecast"):
            started = time.perf_counter()
            query = read()
            ask = self._service.forecast if query.link_id is None else self._links.recorded
            return self._counted(await ask(query), started)

    async def answer_many(
        self, read: Callable[[], list[Query | PBAError]]
    ) -> list[Forecast | PBAError]:
        """Return a forecast, or what is wrong, for each query that ``read`` gives; as above."""
        with self._admitted("forecasts"):
            return self._all_counted(await self._links.all_recorded(read()))

    async def _one(self, body: bytes) -> dict[str, Any]:
        return (await self.answer_one(lambda: read_query(body))).as_dict()

    async def _many(self, body: bytes) -> list[dict[str, Any]]:
        made = await self.answer_many(lambda: read_queries(body, self._settings.max_items))
        return _told(made)

    async def _of_link(
        self, link_id: str, allocation: AllocationRequest | None = None
    ) -> dict[str, Any]:
        with self._admitted("link_forecast"):
            started = time.perf_counter()
            made = await self._links.forecast(link_id, allocation)
            return self._counted(made, started).as_dict()

    async def _of_links(self, body: bytes) -> list[dict[str, Any]]:
        with self._admitted("link_forecasts"):
            asked = read_link_ids(body, self._settings.max_items)
            return _told(self._all_counted(await self._links.forecasts(*asked)))

    async def _observe(self, body: bytes) -> dict[str, Any]:
        with self._admitted("samples"):
            reports = read_bulk_samples(body, self._settings.max_items)
            receipts = await self._links.observe(reports)
        told = zip(reports, receipts, strict=True)
        return {"links": {report.link_id: receipt.as_dict() for report, receipt in told}}

    @contextlib.contextmanager
    def _admitted(self, call: str) -> Iterator[None]:
        """Answer one request among others, and count what is wrong with it."""
        with self._meter.request(call), self._gate.admit():
            yield

    def _counted(self, made: ForecastResult, started: float) -> Forecast:
        self._meter.forecast(made.forecast, time.perf_counter() - started)
        return made.forecast

    def _all_counted(self, made: Sequence[ForecastResult | PBAError]) -> list[Forecast | PBAError]:
        items = [one.forecast if isinstance(one, ForecastResult) else one for one in made]
        self._meter.bulk(items)
        return items

    async def _asked(self, ask: Callable[..., _Found], *given: Any) -> _Found:
        """Return what the store answers, without keeping others waiting."""
        with self._admitted("links"):
            async with deadline(self._settings.store_deadline_ms / 1000):
                return await asyncio.to_thread(ask, *given)

    async def _ready(self) -> bool:
        return not await self._away()

    async def _away(self) -> dict[str, str]:
        found = await self._describe()
        away = {mode: said["error"] for mode, said in found.items() if "error" in said}
        try:
            await self._links.ready()
        except StoreUnavailable as error:
            away["store"] = str(error)
        return away

    async def _describe(self) -> dict[str, dict[str, Any]]:
        deadline_s = self._settings.model_deadline_ms / 1000
        told = await asyncio.gather(
            *(describe(handle, deadline_s) for handle in self._handles.values())
        )
        return dict(zip(map(str, self._handles), told, strict=True))
