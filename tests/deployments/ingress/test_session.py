"""Sessions at the console: the cookie reads, and changes only with the token of its page."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pba.security.calls import CALLS
from tests.support.in_process import InProcess, open_in_process
from tests.support.keys import key

CHANGE = {"version": 0, "flags": {"shadow": True}, "reason": "to compare"}


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[InProcess]:
    async with open_in_process(tmp_path) as opened:
        yield opened


async def signed_in(service: InProcess, role: str, *links: str) -> tuple[dict[str, Any], str]:
    """Return what signing in with a new key answers, and the cookie."""
    record, header = key(role, *links, name=role)
    service.services.stores.flags.keys.add(record)
    await service.services.callers.refresh()
    body = {"key": header["Authorization"].removeprefix("Bearer ")}
    response = await service.client.post("/console/session", json=body)
    cookie = response.headers["set-cookie"].split(";")[0]
    service.client.cookies.clear()
    return response.json(), cookie


async def change(service: InProcess, cookie: str, **headers: str) -> httpx.Response:
    return await service.client.put("/v1/flags", json=CHANGE, headers={"Cookie": cookie, **headers})


async def test_a_change_with_the_cookie_needs_the_token_of_its_session(service: InProcess):
    session, cookie = await signed_in(service, "operator")
    another, _ = await signed_in(service, "operator")
    for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": another["csrf_token"]}):
        refused = await change(service, cookie, **headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
        assert "X-CSRF-Token" in refused.json()["error"]["message"]
    twice = [("Cookie", cookie), *[("X-CSRF-Token", session["csrf_token"])] * 2]
    assert (await service.client.put("/v1/flags", json=CHANGE, headers=twice)).status_code == 403
    assert (await service.client.get("/v1/flags", headers={"Cookie": cookie})).json()[
        "version"
    ] == 0
    accepted = await change(service, cookie, **{"X-CSRF-Token": session["csrf_token"]})
    assert (accepted.status_code, accepted.json()["changed_by"]) == (200, "operator")
    events = await service.client.get("/v1/events?kind=flags_changed", headers={"Cookie": cookie})
    assert events.json()["events"][0]["body"]["reason"] == "to compare"


async def test_a_form_of_another_page_cannot_change_anything(service: InProcess):
    session, cookie = await signed_in(service, "admin")
    token = {"Cookie": cookie, "X-CSRF-Token": session["csrf_token"]}
    forms = {"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": "text/plain"}
    for kind in forms:  # what a form can send, and no header of its own
        response = await service.client.put("/v1/flags", content="{}", headers={**token, **kind})
        assert response.status_code == 415
    foreign = {**token, "Sec-Fetch-Site": "cross-site"}
    assert (await service.client.put("/v1/flags", json=CHANGE, headers=foreign)).status_code == 403
    beside = {"Cookie": cookie, "Sec-Fetch-Site": "same-site"}  # another port of the same host
    assert (await service.client.put("/v1/flags", json=CHANGE, headers=beside)).status_code == 403


async def test_forecasts_by_name_which_are_recorded_need_the_token_too(service: InProcess):
    rows = [{"timestamp": 1.7e9 + at, "bandwidth_mbps": 20.0} for at in range(5)]
    await service.client.post("/v1/links/a/samples", json={"samples": rows})
    session, cookie = await signed_in(service, "admin")
    for path in ("forecast", "transfer?bytes=1", "watch"):
        response = await service.client.get(f"/v1/links/a/{path}", headers={"Cookie": cookie})
        assert response.status_code == 403, path
    token = {"Cookie": cookie, "X-CSRF-Token": session["csrf_token"]}
    assert (await service.client.get("/v1/links/a/forecast", headers=token)).status_code == 200


async def test_a_session_says_what_its_key_may_do_and_no_more_than_the_key_may(service: InProcess):
    operator, cookie = await signed_in(service, "operator")
    assert set(operator["calls"]) == set(CALLS)
    shown = await service.client.get("/console/session", headers={"Cookie": cookie})
    assert shown.json() == operator
    reader, cookie = await signed_in(service, "reader", "fra1:*")
    assert {"links", "link", "events"} <= set(reader["calls"])
    assert not {"set_flags", "promote", "metrics", "delete_link"} & set(reader["calls"])
    refused = await change(service, cookie, **{"X-CSRF-Token": reader["csrf_token"]})
    assert refused.status_code == 403
    assert "needs the role operator" in refused.json()["error"]["message"]


async def test_without_a_session_the_page_learns_whether_it_needs_a_key(service: InProcess):
    open_to_all = (await service.client.get("/console/session")).json()
    assert (open_to_all["name"], open_to_all["csrf_token"]) == (None, None)
    assert "set_flags" in open_to_all["calls"]
    await signed_in(service, "admin")
    assert (await service.client.get("/console/session")).status_code == 401


@pytest.mark.parametrize("value", ["", "x", f"{'n' * 22}:", f"{'n' * 22}:pba_wrong", "pba_wrong"])
async def test_another_cookie_is_no_key(service: InProcess, value: str):
    await signed_in(service, "admin")
    cookie = {"Cookie": f"pba_session={value}"}
    assert (await service.client.get("/v1/links", headers=cookie)).status_code == 401
