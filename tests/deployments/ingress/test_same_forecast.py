"""HTTP, handle calls, gRPC and the one-process service give one forecast for one history."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deployments.grpc import servicer
from deployments.grpc.refused_calls import RefusedCalls
from deployments.grpc.servicer import Predictor
from deployments.ingress.router import Router
from pba.forecasting import Query
from pba.forecasting.allocation import AllocationRequest
from pba.security.identity import ANYBODY
from pba.serving.local_service import LocalService
from pba.types import COLUMNS, Forecast, History
from tests.deployments.grpc import messages
from tests.regression.closeness import differences
from tests.support.in_process import InProcess, open_in_process

Call = Callable[[InProcess, History], Awaitable[Forecast]]
ADVICE = {"quantile": 0.25, "max_streams": 8}


def history(count: int, mbps: float, rtt_ms: float = np.nan, gap_s: float = 0.0) -> History:
    rng = np.random.default_rng(3)
    telemetry = np.full((count, len(COLUMNS)), np.nan)
    telemetry[:, 0] = mbps * np.exp(rng.normal(0.0, 0.05, count))
    telemetry[:, 1] = rtt_ms
    times_s = 1.7e9 + np.arange(count, dtype=float)
    times_s[count // 2 :] += gap_s
    return History(times_s, telemetry)


HISTORIES = {
    "datacenter": history(60, 5000.0, 1.0),
    "internet": history(75, 20.0),
    "hybrid": history(60, 2000.0, 20.0),
    "short": history(7, 20.0),
    "gap": history(80, 20.0, gap_s=3600.0),
    "outage": History(np.arange(60.0), np.tile([0.0, *[np.nan] * 4], (60, 1))),
}


def body(given: History) -> dict[str, Any]:
    rows = zip(given.timestamps_s.tolist(), given.telemetry.tolist(), strict=True)
    samples = [
        {"timestamp": time_s}
        | {name: value for name, value in zip(COLUMNS, row, strict=True) if value == value}
        for time_s, row in rows
    ]
    return {"history": samples, "allocation": ADVICE}


async def over_http(service: InProcess, given: History) -> Forecast:
    response = await service.client.post("/v1/forecast", json=body(given))
    return Forecast.from_dict(response.json())


async def over_http_in_bulk(service: InProcess, given: History) -> Forecast:
    response = await service.client.post("/v1/forecasts", json={"requests": [body(given)]})
    return Forecast.from_dict(response.json()["forecasts"][0]["forecast"])


async def by_handle(service: InProcess, given: History) -> Forecast:
    router = service.router(10)
    return Forecast.from_dict(await Router.forecast(router, body(given)))


async def by_handle_in_bulk(service: InProcess, given: History) -> Forecast:
    router = service.router(10)
    (item,) = await Router.forecasts(router, [body(given)])
    return Forecast.from_dict(item["forecast"])


async def over_grpc(service: InProcess, given: History) -> Forecast:
    request = messages.request(given, allocation=ADVICE)
    refused = RefusedCalls(service.services.refusals, service.services.callers)
    response = await Predictor(
        service.services.plane, service.services.watches, 10, refused, 1
    )._forecast(request)
    return messages.forecast(response.forecast)


@pytest.fixture(autouse=True)
def _anybody_calls(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(servicer, "caller", lambda: ANYBODY)  # the server's interceptor is absent


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service")


@pytest.fixture
async def service(folder: Path) -> AsyncIterator[InProcess]:
    async with open_in_process(folder) as opened:
        yield opened


@pytest.mark.parametrize("name", HISTORIES)
async def test_every_way_gives_the_forecast_of_the_local_service(service: InProcess, name: str):
    given = HISTORIES[name]
    advice = AllocationRequest.from_dict(ADVICE)
    local = LocalService.load(service.folder)
    (expected,) = local.forecasts([Query(given, allocation=advice)])
    ways: list[Call] = [over_http, over_http_in_bulk, by_handle, by_handle_in_bulk, over_grpc]
    for way in ways:
        forecast = await way(service, given)
        assert differences(timeless(expected), timeless(forecast), way.__name__) == []


def timeless(forecast: Forecast) -> dict[str, Any]:
    """Return the wire form without the times, which differ from call to call."""
    document = json.loads(json.dumps(forecast.as_dict()))
    return {name: value for name, value in document.items() if name not in _TIMES}


_TIMES = ("made_at", "age_s")


async def test_handle_calls_store_samples_and_forecast_links_by_name(service: InProcess):
    router = service.router(100)
    rows = [{"link_id": "a", **sample} for sample in body(HISTORIES["internet"])["history"]]
    receipts = await Router.observe(router, {"samples": rows})
    assert receipts["links"]["a"]["accepted"] == 75
    forecast = Forecast.from_dict(await Router.link_forecast(router, "a"))
    assert (forecast.link_id, forecast.source) == ("a", "model")
    first, unknown = await Router.link_forecasts(router, ["a", "unknown"])
    assert first["forecast"]["horizons"] == forecast.as_dict()["horizons"]
    assert unknown["error"]["code"] == "not_found"
