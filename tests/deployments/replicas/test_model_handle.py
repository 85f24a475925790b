"""Calls of other deployments: their failures become errors of PBA."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, NoReturn
from unittest.mock import AsyncMock

import numpy as np
import pytest
from ray.exceptions import RayActorError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError

from deployments.replicas import model_handle
from deployments.replicas.model_handle import (
    describe,
    describe_if_awake,
    model_client,
)
from pba.errors import Busy, Unavailable

FULL = BackPressureError(1, 1)
GONE = RayActorError()
UNAVAILABLE = DeploymentUnavailableError(SimpleNamespace(name="Model", app_name="pba"))  # type: ignore[arg-type]


def handle(name: str, call: Callable[..., Awaitable[Any]]) -> Any:
    """Return a stand-in for a handle with one method."""
    return SimpleNamespace(**{name: SimpleNamespace(remote=call)})


def failing(name: str, error: Exception) -> Any:
    async def fail(*_: object) -> NoReturn:
        raise error

    return handle(name, fail)


async def description() -> dict[str, Any]:
    return {"version": "a"}


async def test_a_client_passes_telemetry_and_output():
    async def predict(telemetry: Any) -> Any:
        return telemetry.shape

    client = model_client(handle("predict", predict))
    assert await client(np.zeros((2, 60, 5))) == (2, 60, 5)


@pytest.mark.parametrize(
    ("error", "kind"), [(FULL, Busy), (GONE, Unavailable), (UNAVAILABLE, Unavailable)]
)
async def test_failures_of_a_model_deployment_are_errors_of_pba(
    error: Exception, kind: type[Exception]
):
    with pytest.raises(kind):
        await model_client(failing("predict", error))(np.zeros((1, 60, 5)))


async def test_a_model_describes_itself():
    assert await describe(handle("describe", description), 10.0) == {"version": "a"}


@pytest.mark.parametrize("error", [FULL, GONE, UNAVAILABLE])
async def test_a_model_that_cannot_describe_itself_has_an_error(error: Exception):
    (name,) = await describe(failing("describe", error), 10.0)
    assert name == "error"


async def test_a_model_that_does_not_answer_in_time_has_an_error():
    async def never() -> None:
        await asyncio.Event().wait()

    assert await describe(handle("describe", never), 0.01) == {"error": "no answer within 0.01 s"}


@pytest.mark.parametrize(
    ("replicas", "needed", "expected"),
    [
        (0, True, {"mode": "v1", "asleep": True}),
        (0, False, {"mode": "v1", "asleep": True}),
        (1, False, {"mode": "v1", "asleep": False}),
        (1, True, {"version": "a"}),
    ],
)
async def test_a_model_that_may_sleep_is_called_only_if_it_is_awake_and_needed(
    monkeypatch: pytest.MonkeyPatch, replicas: int, needed: bool, expected: dict[str, Any]
):
    monkeypatch.setattr(model_handle, "_running_replicas", AsyncMock(return_value=replicas))
    assert await describe_if_awake(handle("describe", description), "v1", 10.0, needed) == expected


class Serve:
    """Stands in for Serve's client, as `ray.serve.context` keeps it."""

    def __init__(self, states: list[str] | None) -> None:
        replicas = [{"state": state} for state in states or ()]
        deployments = {} if states is None else {"V1": {"replicas": replicas}}
        self.details = {"applications": {"pba": {"deployments": deployments}}}
        self.threads: set[int] = set()

    def look_up(self, **_: Any) -> Any:
        self.threads.add(threading.get_ident())
        return SimpleNamespace(get_serve_details=lambda: self.details)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["RUNNING", "STARTING"], {"version": "a"}),
        (["STOPPING"], {"mode": "v1", "asleep": True}),
        ([], {"mode": "v1", "asleep": True}),
        (None, None),
    ],
)
async def test_two_callers_at_once_both_get_what_serve_knows(
    monkeypatch: pytest.MonkeyPatch, states: list[str] | None, expected: dict[str, Any] | None
):
    serve = Serve(states)
    monkeypatch.setattr(model_handle, "_get_global_client", serve.look_up)
    v1 = handle("describe", description)
    v1.app_name, v1.deployment_name = "pba", "V1"
    results = await asyncio.gather(*(describe_if_awake(v1, "v1", 10.0, True) for _ in range(9)))
    assert serve.threads == {threading.get_ident()}, "of two threads, one may get no client"
    for result in results:
        assert result == expected or (expected is None and "serve status" in result["error"])


async def test_without_serve_a_model_that_may_sleep_has_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(model_handle, "_get_global_client", lambda **_: None)
    v1 = handle("describe", description)
    v1.app_name, v1.deployment_name = "pba", "V1"
    assert "does not know V1" in (await describe_if_awake(v1, "v1", 10.0, True))["error"]
