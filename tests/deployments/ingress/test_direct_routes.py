"""Calls without FastAPI's routing get the answers that they get with it."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from deployments.ingress.direct_routes import DirectRoutes
from deployments.ingress.http import create_app
from pba.client import request
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
    ("POST", "/v1/links/forecasts", {"link_ids": ["one", "none"]}),
    ("GET", "/v1/links/one/forecast", None),
    ("GET", "/v1/links/none/forecast", None),
    ("GET", "/v1/links/%7Blink_id%7D/forecast", None),
    ("GET", "/v1/forecast", None),
    ("DELETE", "/v1/links/one/samples", None),
]
VARYING = {"made_at", "valid_until", "accepted", "duplicates"}


@pytest.mark.timeout(120)
async def test_a_query_that_means_nothing_changes_no_answer(tmp_path: Path):
    """FastAPI answers calls with a query."""
    async with open_in_process(tmp_path) as service:
        for method, path, body in CALLS:
            content = None if body is None else json.dumps(body)
            direct, routed = [
                await service.client.request(method, path + query, content=content)
                for query in ("", "?nothing=1")
            ]
            assert direct.status_code == routed.status_code, (method, path)
            assert same_each_time(direct.json()) == same_each_time(routed.json()), (method, path)


def same_each_time(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: same_each_time(one) for key, one in value.items() if key not in VARYING}
    return [same_each_time(one) for one in value] if isinstance(value, list) else value


async def test_an_unexpected_error_is_answered_and_raised_for_the_log():
    app: FastAPI = create_app()

    @app.get("/broken")
    async def broken(_: Request) -> Response:
        raise KeyError("reason")

    route = next(route for route in app.routes if getattr(route, "path", "") == "/broken")
    direct = DirectRoutes(app, [route])  # type: ignore[list-item]
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
