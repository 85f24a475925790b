"""An overloaded model costs the forecasts that need it alone, over HTTP and gRPC."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from ray.serve.exceptions import BackPressureError

from deployments.grpc import pba_pb2 as pb, servicer
from deployments.grpc.refused_calls import RefusedCalls
from deployments.grpc.servicer import Predictor
from pba.client import request
from pba.errors import Busy
from pba.security.identity import ANYBODY
from pba.types import History
from tests.deployments.grpc import messages
from tests.serving.toy_models import history
from tests.support.in_process import InProcess, open_in_process

START_S = 1.7e9
SLOW, FAST, BORDERLINE = history(20.0), history(5000.0, 1.0), history(2000.0, 20.0)


def since_1970(given: History) -> History:
    return History(given.timestamps_s + START_S, given.telemetry)


REQUESTS = [since_1970(given) for given in (SLOW, FAST, BORDERLINE)]


@pytest.fixture(autouse=True)
def _anybody_calls(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(servicer, "caller", lambda: ANYBODY)  # the server's interceptor is absent


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[InProcess]:
    async with open_in_process(tmp_path) as opened:
        opened.models["internet"].error = BackPressureError(1, 1)
        yield opened


async def test_over_http_one_forecast_is_refused_and_of_many_one_item(service: InProcess):
    one = await service.client.post("/v1/forecast", json=request(REQUESTS[0]))
    assert (one.status_code, one.headers["retry-after"]) == (429, "1")
    body = {"requests": [request(given) for given in REQUESTS]}
    many = await service.client.post("/v1/forecasts", json=body)
    slow, fast, borderline = many.json()["forecasts"]
    assert slow["error"]["code"] == "busy"
    assert (fast["forecast"]["source"], fast["forecast"]["mode"]) == ("model", "datacenter")
    assert borderline["forecast"]["mode"] == "hybrid"
    assert "model_busy" in borderline["forecast"]["reasons"]


async def test_over_grpc_one_forecast_is_refused_and_of_many_one_item(service: InProcess):
    refused = RefusedCalls(service.services.refusals, service.services.callers)
    predictor = Predictor(service.services.plane, service.services.watches, 10, refused, 1)
    with pytest.raises(Busy):
        await predictor._forecast(messages.request(REQUESTS[0]))
    requests = [messages.request(given) for given in REQUESTS]
    many = await predictor._forecast_batch(pb.ForecastBatchRequest(requests=requests))
    slow, fast, borderline = many.forecasts
    assert slow.error.code == "busy"
    assert fast.forecast.source == "model"
    assert "model_busy" in borderline.forecast.reasons


async def test_more_links_than_a_chunk_get_an_error_each(service: InProcess):
    slow = request(REQUESTS[0])["history"]
    body = {"requests": [{"history": slow}] * 130 + [request(REQUESTS[1])]}
    items = (await service.client.post("/v1/forecasts", json=body)).json()["forecasts"]
    assert [item.get("error", {}).get("code") for item in items] == ["busy"] * 130 + [None]
    assert np.isfinite(items[-1]["forecast"]["bandwidth_mbps"])
