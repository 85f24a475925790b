"""Every cell of the table in docs/security.md: what each role may do, for which links."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Depends

from deployments.grpc.access_control import METHODS
from deployments.ingress.access_control import AccessControl, authorize
from deployments.ingress.examples import BODIES as EXAMPLES
from deployments.ingress.http import create_app, json_response
from deployments.ingress.openapi import call_of, describe_call
from deployments.ingress.response_models import DeletionResponse
from pba.security import Role
from pba.security.calls import CALLS, PUBLIC
from pba.types import Event
from tests.deployments.ingress.described import ROUTES, assert_described, body_of, route_of
from tests.support.in_process import InProcess, open_in_process
from tests.support.keys import key
from tests.support.rights import SCOPES, TABLE

START_S = 1_700_000_000.0
OURS, OTHER = "fra1:a", "ams2:a"


def rows(count: int = 3) -> list[dict[str, Any]]:
    return [{"timestamp": START_S + second, "bandwidth_mbps": 20.0} for second in range(count)]


BODIES: dict[str, Any] = {
    "POST /v1/forecast": {"history": rows(), "link_id": OURS},
    "POST /v1/forecasts": {"requests": [{"history": rows(), "link_id": OURS}, {"history": rows()}]},
    "POST /v1/links/forecasts": {"link_ids": [OURS]},
    "POST /v1/transfer": {"link_id": OURS, "bytes": 10**6},
    "POST /v1/transfers": {"requests": [{"link_id": OURS, "bytes": 10**6}]},
    "POST /v1/links/{link_id}/samples": {"samples": rows()},
    "POST /v1/samples": {"samples": [{"link_id": OURS, **row} for row in rows()]},
    "POST /v1/models/{mode}/promote": {"version": "none", "who": "anna"},
    "POST /v1/models/{mode}/rollback": {"who": "anna"},
    "POST /v1/models/{mode}/retrain": {"reason": "a new network"},
    **dict.fromkeys(
        (
            "POST /v2/models/{mode}/infer",
            "POST /v2/models/{mode}/versions/{version}/infer",
        ),
        EXAMPLES["InferenceRequest"],
    ),
    "PUT /v1/flags": {"version": 0, "who": "anna", "flags": {"shadow": False}},
}
WAYS = [way for way in TABLE if " " in way]


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[InProcess]:
    """Open a service with two links, an event of each and one of none."""
    async with open_in_process(tmp_path, stream_s=0.01) as opened:
        for link_id in (OURS, OTHER):
            await opened.client.post(f"/v1/links/{link_id}/samples", json={"samples": rows()})
        events = [Event("note", START_S, link_id, {}) for link_id in (OURS, OTHER, None)]
        opened.services.store.add_events(events)
        yield opened


async def headers(service: InProcess, role: str, *links: str) -> dict[str, str]:
    """Return what sends a new key, once the service knows it."""
    record, header = key(role, *links)
    service.services.stores.flags.keys.add(record)
    await service.services.callers.refresh()
    return header


async def send(service: InProcess, way: str, header: dict[str, str]) -> httpx.Response:
    path = way.replace("{link_id}", OURS).replace("{mode}", "internet").replace("{version}", "x")
    method, path = path.split()
    query = {"bytes": 10**6} if path.endswith("/transfer") and method == "GET" else None
    response = await service.client.request(
        method, path, params=query, json=BODIES.get(way), headers=header
    )
    assert_described(route_of(response), response.status_code, body_of(response))
    return response


def errors(response: httpx.Response) -> list[dict[str, Any]]:
    """Return the errors of a response, and of the items in it."""
    body = body_of(response) or {}
    if isinstance(body.get("error"), str):  # as the Open Inference Protocol has it
        body = {}
    lists = (body.get(name, []) for name in ("forecasts", "transfers", "refused"))
    items = [body, *(item for items in lists for item in items)]
    return [item["error"] for item in items if "error" in item]


def is_refused(response: httpx.Response) -> bool:
    """Return whether the first item of a response, or the whole, is forbidden."""
    first = errors(response)
    return response.status_code == 403 or (bool(first) and first[0]["code"] == "forbidden")


@pytest.mark.parametrize("links", SCOPES.values(), ids=SCOPES)
@pytest.mark.parametrize("role", Role)
async def test_each_cell_of_the_table_holds(service: InProcess, role: Role, links: tuple[str, ...]):
    header = await headers(service, role, *links)
    for way in WAYS:
        response = await send(service, way, header)
        expected = is_refusal_expected(way, role, links)
        assert is_refused(response) == expected, f"{way}: {response.text}"
        assert response.status_code != 401, way
        if not expected and not way.endswith(("promote", "rollback", "flags")):
            assert response.status_code in (200, 404), f"{way}: {response.text}"


def is_refusal_expected(way: str, role: Role, links: tuple[str, ...]) -> bool:
    row = TABLE[way]
    if row.rights[role] == "no":
        return True
    if row.rights[role] == "not stored" and way in ("POST /v1/forecast", "POST /v1/forecasts"):
        return True  # their bodies name the link
    if row.other_links.startswith("403 unless the scope is all links"):
        return links != ()
    concerns_link = row.other_links.startswith(("403 for a link", "each item"))
    return concerns_link and links == SCOPES["another's"]


def test_every_route_and_every_method_of_grpc_is_in_the_table():
    routes = {f"{method} {path}" for (method, path), route in ROUTES.items()
              if call_of(route) != PUBLIC}  # fmt: skip
    methods = {path.rpartition("/")[2] for path in METHODS}
    assert set(TABLE) == routes | methods
    assert set(CALLS) == {call_of(route) for route in ROUTES.values()} - {PUBLIC}
    assert set(METHODS.values()) <= set(CALLS)


def test_the_public_routes_say_nothing_of_links_or_models():
    public = {path for (_, path), route in ROUTES.items() if call_of(route) == PUBLIC}
    assert public == {"/", "/livez", "/readyz", "/v2/health/live", "/v2/health/ready"}


def test_a_route_cannot_be_described_without_a_rule_who_may_call_it():
    with pytest.raises(ValueError, match="calls.py"):
        describe_call("new", DeletionResponse)


async def test_a_route_without_a_description_is_refused_even_to_an_admin(service: InProcess):
    routes = APIRouter()

    @routes.get("/v1/new")
    async def get_new() -> Any:
        return json_response({})

    header = await headers(service, "admin")
    services = service.services
    app = AccessControl(
        create_app([routes], [Depends(authorize)]), services.callers, [], services.plane.limits
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        response = await client.get("/v1/new", headers=header)
        assert (response.status_code, response.json()["error"]["code"]) == (403, "forbidden")
        assert (await client.get("/v1/new")).status_code == 401


@pytest.mark.parametrize(
    ("links", "names"),
    [((), {OURS, OTHER, None}), (("fra1:*",), {OURS}), (("ams2:a",), {OTHER}), (("x*",), set())],
)
async def test_lists_have_only_links_of_the_key(
    service: InProcess, links: tuple[str, ...], names: set[str | None]
):
    header = await headers(service, "reader", *links)
    listed = (await service.client.get("/v1/links", headers=header)).json()["links"]
    assert {link["link_id"] for link in listed} == names - {None}
    events = (await service.client.get("/v1/events?kind=note", headers=header)).json()["events"]
    assert {event["link_id"] for event in events} == names
    named = await service.client.get(f"/v1/events?link_id={OURS}", headers=header)
    assert named.status_code == (200 if OURS in names else 403)


async def test_a_bulk_call_answers_the_other_items(service: InProcess):
    header = await headers(service, "reporter", "fra1:*")
    post = service.client.post
    response = await post(
        "/v1/links/forecasts", json={"link_ids": [OTHER, OURS, OTHER]}, headers=header
    )
    items = response.json()["forecasts"]
    assert [item.get("error", {}).get("code") for item in items] == ["forbidden", None, "forbidden"]
    requests = [{"history": rows(), "link_id": name} for name in (OURS, OTHER, None) if name]
    response = await post("/v1/forecasts", json={"requests": requests}, headers=header)
    items = response.json()["forecasts"]
    assert [item.get("error", {}).get("code") for item in items] == [None, "forbidden"]


@pytest.mark.parametrize("query", ["", "?forecast=true"])
async def test_samples_of_other_links_are_refused_each_and_not_stored(
    service: InProcess, query: str
):
    header = await headers(service, "reporter", "fra1:*")
    late = [{"timestamp": START_S + 10, "bandwidth_mbps": 5.0, "link_id": name}
            for name in (OTHER, OURS, "ams2:new")]  # fmt: skip
    response = await service.client.post(
        f"/v1/samples{query}", json={"samples": late}, headers=header
    )
    body = response.json()
    assert response.status_code == 200
    assert [(one["index"], one["error"]["code"]) for one in body["refused"]] == [
        (0, "forbidden"),
        (2, "forbidden"),
    ]
    assert {name: link["accepted"] for name, link in body["links"].items()} == {
        OTHER: 0,
        OURS: 1,
        "ams2:new": 0,
    }
    admin = await headers(service, "admin")
    listed = (await service.client.get("/v1/links", headers=admin)).json()["links"]
    assert [link["link_id"] for link in listed] == [OTHER, OURS]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"/v1/links/{OURS}/forecast", None),
        ("POST", "/v1/links/forecasts", {"link_ids": [OURS]}),
    ],
)
async def test_a_readers_forecast_by_name_is_not_recorded_and_says_so(
    service: InProcess, method: str, path: str, body: Any
):
    for role, recorded in (("reader", 0), ("reporter", 1)):
        header = await headers(service, role)
        response = (await service.client.request(method, path, json=body, headers=header)).json()
        forecast = response["forecasts"][0]["forecast"] if "forecasts" in response else response
        assert ("not_recorded" in forecast["reasons"]) == (recorded == 0)
        await service.services.plane.drain()
        past = await service.client.get(f"/v1/links/{OURS}/history", headers=header)
        assert len(past.json()["forecasts"]) == recorded


async def test_a_reader_gets_forecasts_of_histories_without_a_name(service: InProcess):
    header = await headers(service, "reader", "fra1:*")
    for path, body in (
        ("/v1/forecast", {"history": rows()}),
        ("/v1/forecasts", {"requests": [{"history": rows()}]}),
    ):
        response = await service.client.post(path, json=body, headers=header)
        assert (response.status_code, errors(response)) == (200, [])
