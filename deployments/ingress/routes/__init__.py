"""The HTTP routes by topic: each reads a request, calls the data plane, and writes the answer."""

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from ..direct_routes import DirectRoutes
from ..http import create_app
from ..request_flow import RequestFlows
from ..request_guard import RequestGuard
from ..services import Services
from . import forecasts, health, index, links, models, reports, rollout, samples

__all__ = ["ROUTERS", "http_application"]

ROUTERS: tuple[APIRouter, ...] = tuple(
    module.router for module in (forecasts, samples, links, reports, models, rollout, health, index)
)
"""Every route of the service."""


def http_application(services: Services) -> ASGIApp:
    """Return the HTTP application of one router replica."""
    app = create_app(ROUTERS)
    app.state.services = services
    routes = (route for router in (forecasts.router, samples.router) for route in router.routes)
    direct = DirectRoutes(app, (route for route in routes if isinstance(route, APIRoute)))
    settings = services.settings
    guard = RequestGuard(direct, settings.allowed_host_names, settings.cors_origin_names)
    return RequestFlows(guard)
