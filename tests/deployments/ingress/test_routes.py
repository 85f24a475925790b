"""Every route over services in this process: its answers and errors are as it describes them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.ingress.examples import BODIES
from deployments.ingress.inference_errors import is_inference
from pba.errors import Unavailable
from pba.registry import Registry
from pba.rollout import Flags
from pba.types import Forecast
from tests.deployments.ingress.described import ROUTES, assert_described, body_of, route_of
from tests.support.in_process import InProcess, open_in_process
from tests.toy import toy_artifact

START_S = 1_700_000_000.0
EXAMPLES = {
    "ForecastRequest": "/v1/forecast",
    "BulkForecastRequest": "/v1/forecasts",
    "SamplesRequest": "/v1/links/a/samples",
    "BulkSamplesRequest": "/v1/samples",
    "LinksRequest": "/v1/links/forecasts",
    "TransferBody": "/v1/transfer",
    "BulkTransferBody": "/v1/transfers",
    "InferenceRequest": "/v2/models/internet/infer",
}


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[InProcess]:
    async with open_in_process(tmp_path, stream_s=0.01) as opened:
        yield opened


async def call(service: InProcess, method: str, path: str, **options: Any) -> httpx.Response:
    """Return a response, which must be as its route describes it."""
    response = await service.client.request(method, path, **options)
    assert_described(route_of(response), int(response.status_code), body_of(response))
    return response


def samples(count: int, first: int = 0, mbps: float = 20.0) -> list[dict[str, Any]]:
    return [
        {"timestamp": START_S + first + second, "bandwidth_mbps": mbps, "latency_ms": 30.0}
        for second in range(count)
    ]


SERIES = "metrics/series?by=mode&by=version&step=60"


async def test_every_route_answers_as_described(service: InProcess):
    await asyncio.to_thread(publish, service.folder)
    calls: list[tuple[str, str, Any]] = [
        ("GET", "/", None),
        ("GET", "/livez", None),
        ("GET", "/readyz", None),
        ("POST", "/v1/links/a/samples", {"samples": samples(70)}),
        ("POST", "/v1/samples", {"samples": [{"link_id": "b", **row} for row in samples(3)]}),
        ("POST", "/v1/forecast", {"history": samples(60), "allocation": {}}),
        ("POST", "/v1/forecasts", {"requests": [{"history": samples(60)}, {"history": []}]}),
        ("GET", "/v1/links/a/forecast?allocation=true", None),
        ("POST", "/v1/links/forecasts", {"link_ids": ["a", "unknown"], "allocation": {}}),
        ("POST", "/v1/transfer", {"history": samples(60), "bytes": 10**9, "dirty_mbps": 2}),
        ("POST", "/v1/transfers", {"requests": [{"link_id": "a", "bytes": 10**9}, {}]}),
        ("GET", "/v1/links/a/transfer?bytes=1000000&deadline_s=60&dirty_mbps=2", None),
        ("POST", "/v1/links/a/samples", {"samples": samples(20, first=70)}),
        ("GET", "/v1/links?limit=1", None),
        ("GET", "/v1/links/a", None),
        ("GET", f"/v1/links/a/history?from={START_S}&limit=5", None),
        *(("GET", f"/v1/{what}", None) for what in ("metrics", SERIES, "drift")),
        ("PUT", "/v1/flags", {"version": 0, "who": "anna", "flags": {"shadow": True}}),
        ("GET", "/v1/flags", None),
        ("GET", "/v1/rollout", None),
        ("POST", "/v1/models/internet/promote", {"version": "toy-2", "who": "anna"}),
        ("GET", "/v1/models", None),
        ("GET", "/v1/whoami", None),
        ("GET", "/v1/models/internet/versions", None),
        ("POST", "/v1/models/internet/rollback", None),
        ("POST", "/v1/models/internet/retrain", {"reason": "a new network"}),
        ("GET", "/v1/events?limit=2", None),
        *(("GET", f"/v1/{what}/watch", None) for what in ("events", "links/a")),
        ("DELETE", "/v1/links/b", None),
    ]
    answered = set()
    for method, path, body in calls:
        await service.settle()
        response = await call(service, method, path, json=body)
        assert response.status_code == 200, response.text
        answered.add((method, route_of(response).path))
    assert answered == {key for key in ROUTES if not is_inference(key[1])}


def publish(folder: Path) -> None:
    model = toy_artifact(folder / "newer", "internet", "toy-2")
    Registry(str(folder / "registry"), lambda: 1e9).publish(str(model), "anna")


AS_OF_NEWEST = "/v1/links/a/forecast?as_of=newest"


async def test_a_history_shows_samples_and_scored_forecasts(service: InProcess):
    await call(service, "POST", "/v1/links/a/samples", json={"samples": samples(70)})
    forecast = Forecast.from_dict((await call(service, "GET", AS_OF_NEWEST)).json())
    await service.settle()
    await call(service, "POST", "/v1/links/a/samples", json={"samples": samples(20, first=70)})
    await service.settle()
    past = (await call(service, "GET", "/v1/links/a/history?limit=2")).json()
    assert [sample["timestamp"] for sample in past["samples"]] == [
        "2023-11-14T22:14:48Z",
        "2023-11-14T22:14:49Z",
    ]
    (recorded,) = past["forecasts"]
    assert recorded["actual_mbps"] == {"1": 20.0, "5": 20.0, "15": 20.0}
    single = pytest.approx(forecast.bandwidth_mbps, rel=1e-7)  # stored in single precision
    assert recorded["said"]["points_mbps"][0] == single
    metrics = (await call(service, "GET", "/v1/metrics")).json()
    assert (metrics["links"], metrics["overall"]["scored"]) == (1, 1)


async def test_pages_of_links_and_events_follow_each_other(service: InProcess):
    for name in "abc":
        await call(service, "POST", f"/v1/links/{name}/samples", json={"samples": samples(3)})
    names, cursor = [], ""
    while cursor is not None:
        page = (await call(service, "GET", f"/v1/links?limit=2&cursor={cursor}")).json()
        names += [link["link_id"] for link in page["links"]]
        cursor = page["cursor"]
    assert names == ["a", "b", "c"]
    for version in range(3):
        change = {"version": version, "who": "anna", "flags": {"shadow": version % 2 == 0}}
        await call(service, "PUT", "/v1/flags", json=change)
    first = (await call(service, "GET", "/v1/events?limit=2")).json()
    last = (await call(service, "GET", f"/v1/events?limit=2&cursor={first['cursor']}")).json()
    numbers = [event["number"] for page in (first, last) for event in page["events"]]
    assert (len(numbers), numbers) == (3, sorted(numbers, reverse=True))
    assert last["cursor"] is None


@pytest.mark.parametrize("name", EXAMPLES)
async def test_the_examples_of_the_documentation_run_as_they_are(service: InProcess, name: str):
    response = await call(service, "POST", EXAMPLES[name], json=BODIES[name])
    assert response.status_code == 200, response.text


async def test_the_examples_of_changes_break_no_rule(service: InProcess):
    response = await call(service, "PUT", "/v1/flags", json=BODIES["FlagsRequest"])
    assert response.status_code == 200
    promotion = BODIES["PromotionRequest"]
    response = await call(service, "POST", "/v1/models/internet/promote", json=promotion)
    assert response.status_code == 404, "its version is not published here"
    rollback = BODIES["RollbackRequest"]
    response = await call(service, "POST", "/v1/models/internet/rollback", json=rollback)
    assert response.status_code == 409, "no champion has been promoted"


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "field"),
    [
        ("POST", "/v1/forecast", {"content": b"{"}, 400, None),
        ("POST", "/v1/forecast", {"json": {"history": []}}, 422, "history"),
        ("POST", "/v1/forecast", {"content": b"x" * 200_001}, 413, None),
        ("POST", "/v1/forecasts", {"json": {"requests": [{}] * 4}}, 413, "requests"),
        ("POST", "/v1/links/forecasts", {"json": {"link_ids": list("abcd")}}, 413, "link_ids"),
        ("POST", "/v1/samples", {"json": {"samples": [{}]}}, 422, "samples[0].timestamp"),
        ("POST", "/v1/links/a%20b/samples", {"json": {"samples": []}}, 422, "link_id"),
        ("GET", "/v1/links/unknown", {}, 404, "link_id"),
        ("GET", "/v1/links/unknown/forecast", {}, 404, "link_id"),
        ("GET", "/v1/links/a/forecast?allocation=perhaps", {}, 422, "allocation"),
        ("GET", "/v1/links/unknown/history", {}, 404, "link_id"),
        ("GET", "/v1/links/a/history?from=x", {}, 422, None),
        ("DELETE", "/v1/links/unknown", {}, 404, "link_id"),
        ("GET", "/v1/links?mode=moon", {}, 422, "mode"),
        ("GET", "/v1/links?limit=0", {}, 422, "limit"),
        ("GET", "/v1/events?cursor=x", {}, 422, "cursor"),
        ("GET", "/v1/rollout?since=yesterday", {}, 422, None),
        ("PUT", "/v1/flags", {"json": {}}, 422, "version"),
        ("GET", "/v1/models/moon/versions", {}, 404, "mode"),
        ("POST", "/v1/models/moon/promote", {"json": {"version": "a"}}, 404, "mode"),
        ("POST", "/v1/models/internet/promote", {"json": {"version": "../a"}}, 422, "version"),
        ("POST", "/v1/models/moon/rollback", {}, 404, "mode"),
    ],
)
async def test_an_error_of_the_caller_has_a_documented_status(
    tmp_path: Path,
    method: str,
    path: str,
    options: dict[str, Any],
    status: int,
    field: str | None,
):
    async with open_in_process(tmp_path, max_items=3, max_body_mb=0.2) as service:
        response = await call(service, method, path, **options)
    assert response.status_code == status, response.text
    if field is not None:
        assert response.json()["error"]["field"] == field


async def test_a_change_of_older_flags_is_a_conflict(service: InProcess):
    change = {"version": 0, "who": "anna", "flags": {"shadow": True}}
    assert (await call(service, "PUT", "/v1/flags", json=change)).status_code == 200
    assert service.services.flags.current == Flags(shadow=True), "the router sees it at once"
    assert (await call(service, "PUT", "/v1/flags", json=change)).status_code == 409


async def test_flags_that_need_v1_are_refused_if_it_is_not_deployed(tmp_path: Path):
    async with open_in_process(tmp_path, v1=False) as service:
        change = {"version": 0, "who": "anna", "flags": {"shadow": True}}
        response = await call(service, "PUT", "/v1/flags", json=change)
        assert response.status_code == 422
        assert "v1 is not deployed" in response.json()["error"]["message"]
        assert set((await call(service, "GET", "/v1/models")).json()["models"]) == {
            "datacenter",
            "internet",
        }


REQUESTS: list[tuple[str, str, Any]] = [
    ("POST", "/v1/forecast", {"history": []}),
    ("POST", "/v1/forecasts", {"requests": []}),
    ("POST", "/v1/links/a/samples", {"samples": []}),
    ("POST", "/v1/samples", {"samples": []}),
    ("GET", "/v1/links/a/forecast", None),
    ("POST", "/v1/links/forecasts", {"link_ids": ["a"]}),
    ("GET", "/v1/links", None),
    ("GET", "/v1/links/a", None),
    ("DELETE", "/v1/links/a", None),
    ("GET", "/v1/links/a/history", None),
    ("GET", "/v1/metrics", None),
    ("GET", "/v1/drift", None),
    ("GET", "/v1/events", None),
    ("GET", "/v1/flags", None),
    ("PUT", "/v1/flags", {"version": 0, "who": "anna", "flags": {}}),
    ("GET", "/v1/rollout", None),
]
"""A request of every route that is admitted."""


async def test_at_the_limit_of_requests_in_flight_forecasts_and_samples_are_busy_and_no_others(
    tmp_path: Path,
):
    async with open_in_process(tmp_path, max_in_flight=1) as service:
        with service.services.plane.admit("forecast"):
            for method, path, body in REQUESTS:
                response = await call(service, method, path, json=body)
                busy = "forecast" in path or path.endswith("samples")
                assert (response.status_code == 429) == busy, path
                assert (response.headers.get("retry-after") == "1") == busy, path


async def test_without_a_store_routes_are_unavailable_but_forecasts_are_not(tmp_path: Path):
    url = f"postgresql://nobody@/x?host={tmp_path}"
    async with open_in_process(tmp_path, store_url=url) as service:
        response = await call(service, "POST", "/v1/forecast", json={"history": samples(60)})
        assert response.json()["reasons"] == ["stale"]
        named = {"history": samples(60), "link_id": "a"}
        response = await call(service, "POST", "/v1/forecast", json=named)
        assert response.json()["reasons"] == ["stale", "not_recorded"]
        for method, path, body in REQUESTS[4:]:
            response = await call(service, method, path, json=body)
            assert (response.status_code, response.headers["retry-after"]) == (503, "3"), path
        response = await call(service, "GET", "/readyz")
        assert response.status_code == 503
        assert "store" in response.json()["error"]["message"]


async def test_a_model_that_does_not_answer_is_reported_and_replaced(service: InProcess):
    service.models["internet"].error = Unavailable("gone")
    response = await call(service, "POST", "/v1/forecast", json={"history": samples(60)})
    assert response.json()["reasons"] == ["model_unavailable", "stale"]
    models = (await call(service, "GET", "/v1/models")).json()["models"]
    assert models["internet"] == {"error": "gone"}
    assert models["datacenter"]["version"] == "toy-1"
    assert models["v1"] == {"mode": "v1", "asleep": True}
    response = await call(service, "GET", "/readyz")
    assert response.status_code == 503
    assert "internet" in response.json()["error"]["message"]


async def test_an_unavailable_registry_is_503(service: InProcess):
    registry = service.folder / "registry"
    await asyncio.to_thread(registry.rmdir)
    await asyncio.to_thread(registry.write_text, "no folder")
    for method, path, body in (
        ("GET", "/v1/models/internet/versions", None),
        ("POST", "/v1/models/internet/promote", {"version": "a"}),
        ("POST", "/v1/models/internet/rollback", None),
    ):
        response = await call(service, method, path, json=body)
        assert (response.status_code, response.headers["retry-after"]) == (503, "1"), path
