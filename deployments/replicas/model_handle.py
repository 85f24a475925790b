"""How the router asks a model deployment, and what Ray's failures are called in `pba.errors`."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from ray import serve
from ray.exceptions import RayActorError, RayTaskError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle

from pba.errors import Busy, Unavailable
from pba.forecasting.planning import ModelOutput
from pba.serving.forecast_service import ModelClient
from pba.types import Floats

__all__ = ["model_client", "describe", "describe_if_awake"]


def model_client(handle: DeploymentHandle[Any]) -> ModelClient:
    """Return how to ask the model behind ``handle``."""

    async def ask(telemetry: Floats) -> ModelOutput:
        with _named():
            answer: ModelOutput = await handle.predict.remote(telemetry)
            return answer

    return ask


async def describe(handle: DeploymentHandle[Any], deadline_s: float) -> dict[str, Any]:
    """Return what the model behind ``handle`` tells of itself, or ``{"error": why}``."""

    async def ask() -> dict[str, Any]:
        told: dict[str, Any] = await handle.describe.remote()
        return told

    return await _or_why_not(ask, deadline_s)


async def describe_if_awake(
    handle: DeploymentHandle[Any], name: str, deadline_s: float, wanted: bool
) -> dict[str, Any]:
    """Return the same of a model that may have no replica; only ``asleep`` where it has none.

    To ask it would wake it up, so Serve's controller is asked first; and would keep it awake, so
    that is all of one that is not ``wanted``.
    """

    async def ask() -> dict[str, Any]:
        awake = await asyncio.to_thread(_running, handle)
        if not (awake and wanted):
            return {"mode": name, "asleep": not awake}
        told: dict[str, Any] = await handle.describe.remote()
        return told

    return await _or_why_not(ask, deadline_s)


async def _or_why_not(
    ask: Callable[[], Awaitable[dict[str, Any]]], deadline_s: float
) -> dict[str, Any]:
    try:
        with _named():
            return await asyncio.wait_for(ask(), deadline_s)
    except TimeoutError:
        return {"error": f"no answer within {deadline_s:g} s"}
    except (Busy, Unavailable) as error:
        return {"error": str(error)}


def _running(handle: DeploymentHandle[Any]) -> int:
    """Return how many replicas serve what is behind ``handle``."""
    found = serve.status().applications[handle.app_name].deployments[handle.deployment_name]
    return sum(count for state, count in found.replica_states.items() if state == "RUNNING")


@contextlib.contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except BackPressureError as error:
        raise Busy("the models have too much to do; try again after a second.") from error
    except (RayActorError, RayTaskError, DeploymentUnavailableError) as error:
        raise Unavailable(f"a model deployment is away: {error}") from error
