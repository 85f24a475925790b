"""The HTTP routes by topic: each reads a request, calls the data plane, and writes the answer."""

from fastapi import APIRouter

from . import forecasts, health, links, models, reports, rollout, samples

__all__ = ["ROUTERS"]

ROUTERS: tuple[APIRouter, ...] = tuple(
    module.router for module in (forecasts, samples, links, reports, models, rollout, health)
)
"""Every route of the service."""
