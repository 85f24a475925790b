"""What callers see of a running service: HTTP, handles, errors, overload and documentation."""

import asyncio
import copy
import json
import os
import re
from collections import Counter

import httpx
import numpy as np
import pytest

from deployments.ingress.examples import BODIES, LINK_ID
from deployments.ingress.openapi import EVENT_STREAM
from pba.client import AsyncPBAClient, PBAClient, request, transfer_body
from pba.errors import InvalidSample, from_body
from pba.serving.local_service import LocalService
from pba.types import Forecast, History
from pba.types.transfer import TransferForecast
from tests.support.histories import BORDERLINE, DATACENTER, INTERNET, assert_same
from tests.support.processes import ROUTERS, listening, locked_store
from tests.support.service import RunningService

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_http_gives_the_forecasts_of_one_process(service: RunningService):
    local = LocalService.load(service.folder)
    with PBAClient(service.url) as client:
        for history in (INTERNET, DATACENTER, BORDERLINE, INTERNET.last(10)):
            assert_same(client.forecast(history), local.forecast(history))


def test_nothing_listens_beyond_loopback(service: RunningService):
    sockets = listening(service)
    grpc_port = int(service.grpc_address.split(":")[1])
    assert ("ray::ServeRepli", grpc_port) in {(name, port) for name, _, port in sockets}
    assert {address for _, address, _ in sockets} <= {"127.0.0.1", "::1"}, sockets


def test_a_handle_call_from_a_second_program_gives_the_same_as_http(service: RunningService):
    with PBAClient(service.url) as client:
        over_http = client.forecast(BORDERLINE)
    call, named = json.dumps(request(BORDERLINE)), json.dumps(request(BORDERLINE, "never:stored"))
    single, batch = service.program(
        "handle = serve.get_app_handle('pba')\n"
        f"single = handle.forecast.remote(json.loads({call!r})).result()\n"
        f"batch = handle.forecasts.remote([json.loads({named!r}), {{}}]).result()\n"
        "reply([single, batch])"
    )
    assert_same(Forecast.from_dict(single), over_http)
    assert_same(Forecast.from_dict(batch[0]["forecast"]), over_http)
    assert batch[1]["error"]["code"] == "invalid_request"
    assert (single["link_id"], batch[0]["forecast"]["link_id"]) == (None, "never:stored")


def test_a_handle_call_about_transfers_gives_the_same_as_http(service: RunningService):
    with PBAClient(service.url) as client:
        over_http = client.transfer(10**9, history=BORDERLINE, deadline_s=60.0)
    body = transfer_body(10**9, history=BORDERLINE, deadline_s=60.0)
    single, batch = service.program(
        "handle = serve.get_app_handle('pba')\n"
        f"body = json.loads({json.dumps(body)!r})\n"
        "single = handle.transfer.remote(body).result()\n"
        "batch = handle.transfers.remote([body, {}]).result()\n"
        "reply([single, batch])"
    )
    assert batch[1]["error"]["code"] == "invalid_request"
    for document in (single, batch[0]["transfer"]):
        answer = TransferForecast.from_dict(document)
        assert answer.duration_s == pytest.approx(over_http.duration_s, rel=1e-3)


async def test_a_watched_link_is_forecast_again_as_it_reports(service: RunningService):
    async with AsyncPBAClient(service.url) as client:
        await client.observe("watched", INTERNET.last(60).first(59))
        stream = client.watch("watched")
        first = await anext(stream)
        await client.observe("watched", INTERNET.last(1))
        async with asyncio.timeout(60):
            second = await anext(stream)
        await stream.aclose()
    assert second.newest_sample_at > first.newest_sample_at


def test_a_handle_call_raises_the_errors_of_pba(service: RunningService):
    message = service.program(
        "from pba.errors import InvalidRequest\n"
        "handle = serve.get_app_handle('pba')\n"
        "try:\n    handle.forecast.remote({'history': 5}).result()\n"
        "except InvalidRequest as error:\n    reply(str(error))"
    )
    assert "history is an integer" in message


def test_bad_input_gets_its_error_and_every_response_an_id(service: RunningService):
    good = request(INTERNET)
    negative = copy.deepcopy(good)
    negative["history"][12]["bandwidth_mbps"] = -1.7
    for content, status, code in (
        (b"{", 400, "not_json"),
        (json.dumps(negative).encode(), 422, "invalid_sample"),
        (json.dumps({"history": good["history"][:1]}).encode(), 422, "invalid_history"),
    ):
        response = httpx.post(
            f"{service.url}/v1/forecast",
            content=content,
            headers={"X-Request-ID": "mine", "Content-Type": "application/json"},
        )
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)
        assert response.headers["x-request-id"] == "mine"
    assert httpx.get(f"{service.url}/livez").headers["x-request-id"]
    for strange in ("a" * 101, "a b", "\u00e9", '"', "%0a", "a,b"):
        headers = {"X-Request-ID": strange.encode()}
        request_id = httpx.get(f"{service.url}/livez", headers=headers).headers["x-request-id"]
        assert re.fullmatch("[0-9a-f-]{36}", request_id), strange
    many = {"requests": [{}] * 10_001}
    assert httpx.post(f"{service.url}/v1/forecasts", json=many).status_code == 413


def test_a_bulk_call_gives_each_item_in_its_place(service: RunningService):
    with PBAClient(service.url) as client:
        forecasts = client.forecasts([INTERNET, INTERNET.first(1), DATACENTER])
    assert isinstance(forecasts[0], Forecast)
    assert not isinstance(forecasts[1], Forecast)
    assert isinstance(forecasts[2], Forecast)
    assert [item.mode for item in (forecasts[0], forecasts[2])] == ["internet", "datacenter"]


@pytest.mark.parametrize("mbps", [0.0, 1e-6, 1e6])
def test_extreme_histories_get_finite_forecasts(service: RunningService, mbps: float):
    telemetry = np.full((60, 5), np.nan)
    telemetry[:, 0] = mbps
    with PBAClient(service.url) as client:
        forecast = client.forecast(History(np.arange(60.0), telemetry))
    for horizon in forecast.horizons:
        assert np.isfinite(
            [horizon.bandwidth_mbps, horizon.confidence, *horizon.quantiles_mbps]
        ).all()
    assert forecast.bandwidth_mbps == pytest.approx(mbps, rel=0.2, abs=1e-3)


def test_the_serving_models_are_described(service: RunningService):
    with PBAClient(service.url) as client:
        models = client.models()
    assert [models[mode]["version"] for mode in ("datacenter", "internet")] == ["toy-1", "toy-1"]
    assert models["internet"]["window"] == 60
    assert set(models) == {"datacenter", "internet", "v1"}


def test_the_docs_describe_the_body(service: RunningService):
    document = httpx.get(f"{service.url}/openapi.json").json()
    body = document["paths"]["/v1/forecast"]["post"]["requestBody"]["content"]["application/json"]
    rows, columns = body["schema"]["properties"]["history"]["anyOf"]
    assert rows["items"]["properties"]["packet_loss"]["maximum"] == 1
    assert columns["properties"]["packet_loss"]["anyOf"][0]["items"]["maximum"] == 1


async def test_overload_gets_429_with_retry_after_and_nothing_else_breaks(service: RunningService):
    body = {"samples": [{"timestamp": 1.0, "bandwidth_mbps": 5.0}]}
    paths = [f"/v1/links/busy:{number}/samples" for number in range(40)]
    limits = httpx.Limits(max_connections=len(paths))
    async with httpx.AsyncClient(base_url=service.url, timeout=60, limits=limits) as client:
        with locked_store(service):  # so that calls stay in flight
            calls = [asyncio.create_task(client.post(path, json=body)) for path in paths]
            await asyncio.wait(calls, timeout=3, return_when=asyncio.FIRST_COMPLETED)
        responses = await asyncio.gather(*calls)
        after = await client.post("/v1/forecasts", json={"requests": [request(INTERNET)] * 48})
    statuses = Counter(response.status_code for response in responses)
    assert set(statuses) == {200, 429}, statuses
    assert statuses[200] >= 16
    refused = next(response for response in responses if response.status_code == 429)
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["error"]["code"] == "busy"
    assert after.status_code == 200


def test_a_router_has_the_priority_of_other_programs(service: RunningService):
    (router,) = service.program(ROUTERS)
    assert os.getpriority(os.PRIO_PROCESS, router) == os.getpriority(os.PRIO_PROCESS, 0)


def test_errors_reach_clients_with_their_class(service: RunningService):
    wrong = copy.deepcopy(request(INTERNET))
    wrong["history"][0]["bandwidth_mbps"] = -1.7
    response = httpx.post(f"{service.url}/v1/forecast", json=wrong)
    assert response.status_code == 422
    error = from_body(response.json()["error"])
    assert isinstance(error, InvalidSample)
    assert "-1.7" in error.message


def test_every_example_of_the_docs_runs(service: RunningService):
    paths = httpx.get(f"{service.url}/openapi.json").json()["paths"]
    link = f"/v1/links/{LINK_ID}"
    httpx.post(f"{service.url}{link}/samples", json=BODIES["SamplesRequest"]).raise_for_status()
    version = httpx.get(f"{service.url}/v2/models/internet").json()["versions"][0]
    refused = {
        "/v1/models/internet/promote": 404,
        "/v1/models/internet/rollback": 409,
        "/v1/models/internet/retrain": 503,
    }
    calls = [(path, *item) for path, methods in paths.items() for item in methods.items()]
    for path, method, operation in sorted(calls, key=lambda call: call[1] == "delete"):
        body = operation.get("requestBody", {}).get("content", {"application/json": {}})
        target = path.format(link_id=LINK_ID, mode="internet", version=version)
        example = body["application/json"].get("example")
        needed = {
            one["name"]: one["schema"]["examples"][0]
            for one in operation.get("parameters", [])
            if one["in"] == "query" and one["required"]
        }
        address = service.url + target
        with httpx.stream(method, address, json=example, params=needed, timeout=20) as response:
            if EVENT_STREAM not in response.headers["content-type"]:  # which lasts for minutes
                response.read()
            assert response.status_code == refused.get(target, 200), (method, path)
    assert {method for _, method, _ in calls} == {"get", "post", "put", "delete"}
