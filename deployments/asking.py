"""How the router asks a model deployment, and what Ray's failures are called in `pba.errors`."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from ray.exceptions import RayActorError, RayTaskError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle

from deployments.service import Ask
from pba.errors import Busy, Unavailable
from pba.forecasting import Answer
from pba.types import Floats

__all__ = ["asking", "described"]


def asking(handle: DeploymentHandle[Any]) -> Ask:
    """Return how to ask the model behind ``handle``."""

    async def ask(telemetry: Floats) -> Answer:
        with _named():
            answer: Answer = await handle.predict.remote(telemetry)
            return answer

    return ask


async def described(handle: DeploymentHandle[Any], deadline_s: float) -> dict[str, Any]:
    """Return what the model behind ``handle`` tells of itself, or ``{"error": why}``."""
    try:
        with _named():
            told: dict[str, Any] = await asyncio.wait_for(handle.describe.remote(), deadline_s)
            return told
    except TimeoutError:
        return {"error": f"no answer within {deadline_s:g} s"}
    except (Busy, Unavailable) as error:
        return {"error": str(error)}


@contextlib.contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except BackPressureError as error:
        raise Busy("the models have too much to do; try again after a second.") from error
    except (RayActorError, RayTaskError, DeploymentUnavailableError) as error:
        raise Unavailable(f"a model deployment is away: {error}") from error
