"""The HTTP routes by topic: each reads a request, calls the data plane, and writes the answer."""

from collections.abc import Iterable

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from ...tracing import OFF, Tracing
from ..access_control import AccessControl, authorize, require_call
from ..console import add_console
from ..direct_routes import DirectRoutes
from ..http import create_app
from ..inference_errors import InferenceErrors
from ..refusal_counting import RefusalCounting
from ..request_flow import RequestFlows
from ..request_guard import RequestGuard
from ..request_traces import RequestTraces
from ..services import Services
from . import (
    forecasts,
    health,
    identity,
    index,
    inference,
    links,
    models,
    reports,
    rollout,
    samples,
    transfers,
    watch,
)

__all__ = ["ROUTERS", "http_application"]

ROUTERS: tuple[APIRouter, ...] = tuple(
    module.router
    for module in (
        *(forecasts, transfers, samples, watch, links, reports, models, rollout, identity),
        *(inference, health, index),
    )
)
"""Every route of the service."""


def http_application(services: Services, tracing: Tracing = OFF) -> ASGIApp:
    """Return the HTTP application of one router replica."""
    app = create_app(ROUTERS, [Depends(authorize)])
    app.state.services = services
    add_console(app)
    direct = DirectRoutes(app, _routes((forecasts.router, samples.router)), require_call)
    settings = services.settings
    access = AccessControl(
        direct,
        services.callers,
        _routes(ROUTERS),
        services.plane.limits,
        settings.proxy_secret,
    )
    guard = RequestGuard(access, settings.allowed_host_names, settings.cors_origin_names)
    counted = RefusalCounting(guard, services.refusals, services.callers)
    flows = RequestFlows(InferenceErrors(counted))
    return RequestTraces(flows, tracing, _routes(ROUTERS)) if tracing.is_on else flows


def _routes(routers: Iterable[APIRouter]) -> list[APIRoute]:
    routes = (route for router in routers for route in router.routes)
    return [route for route in routes if isinstance(route, APIRoute)]
