"""Calls without FastAPI's routing get the answers that they get with it."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from deployments.ingress.direct_routes import DirectRoutes
from deployments.ingress.http import create_app
from pba.client import request
from tests.regression.closeness import differences
from tests.support.histories import INTERNET
from tests.support.in_process import open_in_process

SAMPLES = request(INTERNET)["history"]
CALLS: list[tuple[str, str, Any]] = [
    ("POST", "/v1/forecast", request(INTERNET)),
    ("POST", "/v1/forecast", {"history": []}),
    ("POST", "/v1/forecasts", {"requests": [request(INTERNET), {"history": 1}]}),
    ("POST", "/v1/samples", {"samples": [{"link_id": "one"} | SAMPLES[0]]}),
    ("POST", "/v1/links/one/samples", {"samples": SAMPLES}),
    ("POST", "/v1/links/not%20a%20name/samples", {"samples": SAMPLES}),
    ("POST", "/v1/samples?forecast=true", {"samples": [{"link_id": "one"} | SAMPLES[0]]}),
    ("POST", "/v1/links/one/samples?forecast=true", {"samples": SAMPLES}),
    ("POST", "/v1/links/one/samples?forecast=true&allocation=true", {"samples": SAMPLES}),
    ("POST", "/v1/links/one/samples?forecast=true&as_of=newest", {"samples": SAMPLES}),
    ("GET", "/v1/links/one/forecast?allocation=true", None),
    ("GET", "/v1/links/one/forecast?as_of=newest", None),
    ("POST", "/v1/links/one/samples?forecast=perhaps", {"samples": SAMPLES}),
    ("POST", "/v1/links/forecasts", {"link_ids": ["one", "none"]}),
    ("GET", "/v1/links/one/forecast", None),
    ("GET", "/v1/links/none/forecast", None),
    ("GET", "/v1/links/%7Blink_id%7D/forecast", None),
    ("GET", "/v1/forecast", None),
    ("DELETE", "/v1/links/one/samples", None),
]
VARYING = {"made_at", "age_s", "accepted", "duplicates"}


async def test_a_query_that_means_nothing_changes_no_answer(tmp_path: Path):
    """FastAPI answers calls with a query that is not among the usual ones."""
    async with open_in_process(tmp_path) as service:
        for method, path, body in CALLS:
            content = None if body is None else json.dumps(body)
            direct, routed = [
                await service.client.request(method, path + query, content=content)
                for query in ("", "&nothing=1" if "?" in path else "?nothing=1")
            ]
            assert direct.status_code == routed.status_code, (method, path)
            answers = [same_each_time(answer.json()) for answer in (direct, routed)]
            assert differences(*answers, f"{method} {path}") == []


def same_each_time(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: same_each_time(one) for key, one in value.items() if key not in VARYING}
    return [same_each_time(one) for one in value] if isinstance(value, list) else value


async def test_an_unexpected_error_is_answered_and_raised_for_the_log():
    """The application itself has no such route, so nothing else can answer."""
    routes = APIRouter()

    @routes.get("/broken")
    async def broken(_: Request) -> Response:
        raise KeyError("reason")

    (route,) = routes.routes
    assert isinstance(route, APIRoute)
    direct = DirectRoutes(create_app(), [route], lambda scope, call: None)
    for raises in (False, True):
        transport = httpx.ASGITransport(direct, raise_app_exceptions=raises)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            if raises:
                with pytest.raises(KeyError):
                    await client.get("/broken")
            else:
                response = await client.get("/broken")
                assert response.status_code == 500
                assert response.json()["error"]["code"] == "internal"


async def test_names_in_the_path_reach_the_endpoint_and_other_requests_the_application():
    routes = APIRouter()

    @routes.get("/links/{link_id}")
    async def link(_: Request, link_id: str) -> Response:
        return Response(link_id)

    (route,) = routes.routes
    assert isinstance(route, APIRoute)
    transport = httpx.ASGITransport(DirectRoutes(create_app(), [route], lambda scope, call: None))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/links/a%20b")).text == "a b"
        for method, path in (("GET", "/links/a?b=1"), ("POST", "/links/a"), ("GET", "/links/a/b")):
            assert (await client.request(method, path)).status_code == 404


@pytest.mark.parametrize(
    ("query", "direct"),
    [
        ("", True),
        ("?forecast=true", True),
        ("?as_of=newest&forecast=true", True),
        ("?allocation=true", False),  # the endpoint has no such parameter
        ("?forecast=1", False),
        ("?forecast=true&other=1", False),
    ],
)
async def test_the_usual_queries_need_no_routing(query: str, direct: bool):
    """The application itself has no such route, so nothing else can answer."""
    routes = APIRouter()

    @routes.post("/links/{link_id}")
    async def link(
        _: Request, link_id: str, forecast: bool = False, as_of: str | None = None
    ) -> Response:
        return Response(f"{link_id} {forecast} {as_of}")

    (route,) = routes.routes
    assert isinstance(route, APIRoute)
    transport = httpx.ASGITransport(DirectRoutes(create_app(), [route], lambda scope, call: None))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        response = await client.post(f"/links/a{query}")
    assert response.status_code == (200 if direct else 404)
    if direct:
        as_of = "newest" if "as_of" in query else None
        assert response.text == f"a {'forecast' in query} {as_of}"
