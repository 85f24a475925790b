"""Calls of other deployments through their handles, with Ray's failures as `pba.errors`."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from ray.exceptions import RayActorError, RayTaskError
from ray.serve.context import _get_global_client
from ray.serve.exceptions import (
    BackPressureError,
    DeploymentUnavailableError,
)
from ray.serve.handle import DeploymentHandle

from pba.errors import Busy, Unavailable
from pba.forecasting import ModelOutput
from pba.serving.forecast_service import ModelClient
from pba.serving.tracing import trace_headers
from pba.types import Floats

__all__ = ["describe", "describe_if_awake", "model_client"]


def model_client(handle: DeploymentHandle[Any]) -> ModelClient:
    """Return the client of the model deployment behind ``handle``."""

    async def predict(telemetry: Floats) -> ModelOutput:
        headers = trace_headers()
        trace = {} if headers is None else {"trace": headers}
        with _translated_errors():
            output: ModelOutput = await handle.predict.remote(telemetry, **trace)
            return output

    return predict


async def describe(handle: DeploymentHandle[Any], deadline_s: float) -> dict[str, Any]:
    """Return the description of the model behind ``handle``, or ``{"error": reason}``."""

    async def call() -> dict[str, Any]:
        description: dict[str, Any] = await handle.describe.remote()
        return description

    return await _or_error(call, deadline_s)


async def describe_if_awake(
    handle: DeploymentHandle[Any], name: str, deadline_s: float, needed: bool
) -> dict[str, Any]:
    """Return the same for a model that may have no replica; without one, only ``asleep``.

    A call would wake it up, so Serve's controller is consulted first. A call would also keep it
    awake, so one that is not ``needed`` is not called either.
    """

    async def call() -> dict[str, Any]:
        awake = await _running_replicas(handle)
        if not (awake and needed):
            return {"mode": name, "asleep": not awake}
        description: dict[str, Any] = await handle.describe.remote()
        return description

    return await _or_error(call, deadline_s)


async def _or_error(
    call: Callable[[], Awaitable[dict[str, Any]]], deadline_s: float
) -> dict[str, Any]:
    try:
        with _translated_errors():
            return await asyncio.wait_for(call(), deadline_s)
    except TimeoutError:
        return {"error": f"no answer within {deadline_s:g} s"}
    except (Busy, Unavailable) as error:
        return {"error": str(error)}


async def _running_replicas(handle: DeploymentHandle[Any]) -> int:
    """Return how many replicas of the deployment behind ``handle`` are running.

    Serve's client is looked up here, not in a thread as `serve.status` would: of two threads at
    once, one may get none.

    Raises
    ------
    Unavailable
        If Serve does not know the deployment.
    """
    client = _get_global_client(raise_if_no_controller_running=False)
    details = {} if client is None else await asyncio.to_thread(client.get_serve_details)
    try:
        deployments = details["applications"][handle.app_name]["deployments"]
        replicas = deployments[handle.deployment_name]["replicas"]
    except KeyError:
        raise Unavailable(
            f"Ray Serve does not know {handle.deployment_name} now. Try again; if it stays so, "
            "look at serve status."
        ) from None
    return sum(replica["state"] == "RUNNING" for replica in replicas)


@contextlib.contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except BackPressureError as error:
        raise Busy("the models are overloaded; try again after a second.") from error
    except (RayActorError, RayTaskError, DeploymentUnavailableError) as error:
        raise Unavailable(f"a model deployment does not answer: {error}") from error
