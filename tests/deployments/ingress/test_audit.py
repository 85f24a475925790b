"""The author of a change is the key, whatever the caller writes; refused calls are counted."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.ingress.refusal_counting import address_of
from deployments.ingress.routes import http_application
from pba.security.audit_chain import AuditRow
from tests.support.in_process import JSON, InProcess, open_in_process
from tests.support.keys import key

START_S = 1_700_000_000.0
SAMPLES = [{"timestamp": START_S + second, "bandwidth_mbps": 20.0} for second in range(3)]
FLAGS = {"version": 0, "flags": {"shadow": True}}


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[InProcess]:
    async with open_in_process(tmp_path) as opened:
        await opened.client.post("/v1/links/a/samples", json={"samples": SAMPLES})
        yield opened


async def header(service: InProcess, role: str, *links: str) -> dict[str, str]:
    record, sent = key(role, *links, name="anna")
    service.services.stores.flags.keys.add(record)
    await service.services.callers.refresh()
    return sent


def newest(service: InProcess) -> AuditRow:
    return service.services.store.audit.rows(1)[0]


@pytest.mark.parametrize(
    ("fields", "person"),
    [
        ({}, None),
        ({"who": "boris"}, "boris"),
        ({"on_behalf_of": "carla"}, "carla"),
        ({"on_behalf_of": "carla", "who": "boris"}, "carla"),
        ({"who": "b\nanna\u202e" + "x" * 190}, "b anna " + "x" * 93),
    ],
)
async def test_the_author_of_a_change_is_the_key(
    service: InProcess, fields: dict[str, str], person: str | None
):
    sent = await header(service, "operator")
    answer = await service.client.put("/v1/flags", json={**FLAGS, **fields}, headers=sent)
    assert answer.json()["changed_by"] == "anna"
    row = newest(service)
    assert (row.who, row.role, row.on_behalf_of) == ("anna", "operator", person)
    (event,) = service.services.store.events("flags_changed")
    assert event.body["who"] == "anna"
    assert str(person) not in event.text


async def test_a_name_that_is_too_long_is_refused(service: InProcess):
    body = {**FLAGS, "on_behalf_of": "k" * 101}
    answer = await service.client.put("/v1/flags", json=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "on_behalf_of")


async def test_without_keys_the_author_is_local(service: InProcess):
    await service.client.put("/v1/flags", json={**FLAGS, "on_behalf_of": "anna"})
    row = newest(service)
    assert (row.who, row.role, row.on_behalf_of) == ("local", "admin", "anna")


async def test_a_deleted_link_is_recorded(service: InProcess):
    sent = await header(service, "operator", "a")
    assert (await service.client.delete("/v1/links/a", headers=sent)).status_code == 200
    row = newest(service)
    assert (row.action, row.subject, row.who) == ("link_deleted", "a", "anna")
    assert (await service.client.delete("/v1/links/a", headers=sent)).status_code == 404
    assert newest(service) == row


async def test_refused_calls_are_counted_by_key_and_address(service: InProcess):
    reader = await header(service, "reader")
    unknown = key("admin")[1]
    for sent in (reader, unknown, {}, {}):
        await service.client.put("/v1/flags", json=FLAGS, headers=sent)
    wrong = {"Authorization": reader["Authorization"][:-1] + "?"}
    stolen = {"Authorization": reader["Authorization"][:-20] + "A" * 20}
    for sent in (wrong, stolen):
        assert (await service.client.get("/v1/flags", headers=sent)).status_code == 401
    await service.client.get("/v1/flags", headers=reader)
    await service.services.refusals.flush()
    rows = service.services.store.refusals.rows()
    by_key = {row.key_id: (row.unauthenticated, row.forbidden) for row in rows}
    key_id = reader["Authorization"].split("_")[1]
    assert by_key == {"": (4, 0), key_id: (1, 1)}
    assert {row.address for row in rows} == {"127.0.0.1"}


async def test_a_hundred_bad_keys_are_one_row(service: InProcess):
    await header(service, "reader")
    for _ in range(100):
        await service.client.get("/v1/flags", headers=key("admin")[1])
    await service.services.refusals.flush()
    rows = service.services.store.refusals.rows()
    assert sum(row.unauthenticated for row in rows) == 100
    assert len(rows) <= 2, "a minute may end meanwhile"


async def test_a_caller_behind_the_proxy_is_counted_by_its_own_address(service: InProcess):
    await header(service, "reader")
    transport = httpx.ASGITransport(http_application(service.services), client=("10.9.9.9", 5))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test", headers=JSON
    ) as foreign:
        await foreign.get("/v1/flags", headers={"X-Forwarded-For": "10.0.0.7"})
    await service.client.get("/v1/flags", headers={"X-Forwarded-For": "10.0.0.8"})
    await service.services.refusals.flush()
    addresses = {row.address for row in service.services.store.refusals.rows()}
    assert addresses == {"10.9.9.9", "10.0.0.8"}


@pytest.mark.parametrize(
    ("client", "server", "forwarded", "address"),
    [
        (("127.0.0.1", 1), ("127.0.0.1", 2), ["2001:DB8::1"], "2001:db8::1"),
        (("10.0.0.2", 1), ("10.0.0.2", 2), ["10.0.0.7"], "10.0.0.7"),
        (("10.0.0.3", 1), ("10.0.0.2", 2), ["10.0.0.7"], "10.0.0.3"),
        (("127.0.0.1", 1), ("127.0.0.1", 2), ["a", "b"], "127.0.0.1"),
        (("127.0.0.1", 1), ("127.0.0.1", 2), ["x" * 1000], "unknown"),
        (None, None, [], "unknown"),
    ],
)
def test_the_address_is_one_that_cannot_be_chosen(
    client: Any, server: Any, forwarded: list[str], address: str
):
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    assert address_of({"client": client, "server": server, "headers": headers}) == address
