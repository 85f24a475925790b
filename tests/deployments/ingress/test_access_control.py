"""Keys over HTTP: who is let in, what is open to everyone, and what an error says."""

import base64
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from ray.serve.exceptions import BackPressureError

from deployments.local_authority import LocalAuthority
from pba.security import KeyRecord
from pba.security.limits import Limits
from tests.security.test_client_certificates import certificate
from tests.support.in_process import InProcess, open_in_process
from tests.support.keys import key
from tests.support.tokens import AUDIENCE, ISSUER, TokenIssuer

OPEN = ("/", "/livez", "/docs", "/openapi.json")
CLOSED = ("/v1/flags", "/v1/links", "/v1/whoami", "/none", "/docs/assets", "/livez/", "/Livez")


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[InProcess]:
    async with open_in_process(tmp_path) as opened:
        yield opened


async def add(service: InProcess, *records: KeyRecord) -> None:
    for record in records:
        service.services.stores.flags.keys.add(record)
    await service.services.callers.refresh()


async def status(service: InProcess, path: str, header: dict[str, str] | None = None) -> int:
    return int((await service.client.get(path, headers=header)).status_code)


async def test_without_any_key_all_is_open_and_everybody_is_admin(service: InProcess):
    response = await service.client.get("/v1/whoami")
    assert response.json() == {"name": None, "key_id": None, "role": "admin", "links": ["*"]}


async def test_the_first_key_closes_all_but_what_is_public(service: InProcess):
    record, header = key("admin")
    await add(service, record)
    for path in OPEN:
        assert await status(service, path) == 200, path
    for path in CLOSED:
        assert await status(service, path) == 401, path
    assert await status(service, "/v1/flags", header) == 200
    assert await status(service, "/none", header) == 404


async def test_it_stays_closed_when_every_key_is_revoked(service: InProcess):
    record, header = key("admin")
    await add(service, record)
    service.services.stores.flags.keys.revoke(record.key_id)
    await service.services.callers.refresh()
    assert await status(service, "/v1/flags", header) == 401
    assert await status(service, "/v1/flags") == 401


async def test_whoami_says_what_the_key_is(service: InProcess):
    record, header = key("reporter", "fra1:*", "x", name="dwcp-fra1")
    await add(service, record)
    assert (await service.client.get("/v1/whoami", headers=header)).json() == {
        "name": "dwcp-fra1",
        "key_id": record.key_id,
        "role": "reporter",
        "links": ["fra1:*", "x"],
    }


async def test_other_headers_than_a_valid_key_get_401(service: InProcess):
    record, header = key("admin")
    expired, expired_header = key("admin")
    expired = replace(expired, expires_s=expired.created_s + 1)
    await add(service, record, expired)
    text = header["Authorization"].removeprefix("Bearer ")
    wrong = text[:-1] + ("A" if text[-1] != "A" else "B")
    unknown = key("admin")[1]["Authorization"]
    unread = ("", "Bearer", "Bearer ", "Bearer pba_", "Bearer \xe9", "Bearer " + 9000 * "x", text)
    changed = (f"Basic {text}", f"Bearer {wrong}", f"Bearer {text} ", f"Bearer {text}x")
    others = (f"Bearer {text},Bearer {text}", unknown, expired_header["Authorization"])
    for value in (*unread, *changed, *others):
        raw = [(b"authorization", value.encode("latin-1"))]
        response = await service.client.get("/v1/flags", headers=raw)
        assert response.status_code == 401, value
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.json()["error"]["code"] == "unauthenticated"
        assert record.sha256 not in response.text
        assert text[25:] not in response.text
    twice = [(b"authorization", header["Authorization"].encode())] * 2
    assert (await service.client.get("/v1/flags", headers=twice)).status_code == 401
    lower = {"authorization": f"bearer {text}"}
    assert (await service.client.get("/v1/flags", headers=lower)).status_code == 200


async def test_a_refusal_says_which_role_or_links_are_missing(service: InProcess):
    record, header = key("reader", "fra1:*", name="anna")
    await add(service, record)

    async def message(method: str, path: str) -> str:
        response = await service.client.request(method, path, headers=header)
        assert response.status_code == 403
        return str(response.json()["error"]["message"])

    shown = f"the key anna ({record.key_id})"
    delete = await message("DELETE", "/v1/links/fra1:a")
    assert delete == (
        f"the call delete_link needs the role operator; {shown} has the role reader. Use a key "
        "with the role operator."
    )
    assert f"{shown} is for fra1:*" in await message("GET", "/v1/links/ams2:a")
    assert "Use a key whose links are *." in await message("GET", "/v1/metrics")


async def test_readiness_gives_its_causes_to_callers_with_a_key_only(service: InProcess):
    record, header = key("reader")
    await add(service, record)
    assert await status(service, "/readyz") == 200
    service.models["internet"].error = BackPressureError(1, 1)
    responses = [await service.client.get("/readyz", headers=sent) for sent in ({}, header)]
    assert [response.status_code for response in responses] == [503, 503]
    assert ["internet" in response.text for response in responses] == [False, True]


async def test_a_refused_body_is_not_read(service: InProcess):
    record, _ = key("admin")
    await add(service, record)
    read = []

    async def body() -> AsyncIterator[bytes]:
        read.append(1)
        yield b"{}"

    response = await service.client.post("/v1/samples", content=body())
    assert (response.status_code, read) == (401, [])


@pytest.mark.parametrize("insecure", [False, True])
async def test_on_other_addresses_a_service_without_keys_answers_only_that_it_is_alive(
    tmp_path: Path, insecure: bool
):
    async with open_in_process(tmp_path, opens=insecure) as service:
        for path in ("/v1/flags", "/readyz", "/docs", "/openapi.json", "/", "/none"):
            response = await service.client.get(path)
            code = response.json()["error"]["code"] if response.status_code == 503 else ""
            assert (code == "authentication_not_configured") == (not insecure), path
        assert await status(service, "/livez") == 200
        record, header = key("admin")
        await add(service, record)
        assert await status(service, "/v1/flags", header) == 200
        assert await status(service, "/v1/flags") == 401


async def test_a_new_node_without_its_store_is_unavailable_and_neither_open_nor_401(tmp_path: Path):
    (tmp_path / "pba.db").write_text("this is no database, so the store is away")
    _, header = key("admin")
    async with open_in_process(tmp_path, new_node=True) as service:
        for sent in ({}, header):
            response = await service.client.get("/v1/flags", headers=sent)
            assert (response.status_code, response.json()["error"]["code"]) == (
                503,
                "keys_unavailable",
            )
            assert "retry-after" in response.headers
        assert await status(service, "/livez") == 200


async def test_a_token_of_the_issuer_names_its_caller(tmp_path: Path):
    issuer, path = TokenIssuer(), tmp_path / "issuer.json"
    issuer.write(path)
    settings = {"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE, "oidc_jwks": str(path)}
    now_s = time.time()  # noqa: TID251 - the routers' clock
    async with open_in_process(tmp_path, oidc_links_claim="links", **settings) as service:
        token = issuer.token(exp=now_s + 60, links=["fra1:*"])
        header = {"Authorization": f"Bearer {token}"}
        assert (await service.client.get("/v1/whoami", headers=header)).json() == {
            "name": "oidc:anna",
            "key_id": None,
            "role": "reporter",
            "links": ["fra1:*"],
        }
        assert await status(service, "/v1/flags") == 401
        for link_id, expected in (("fra1:a", 404), ("ams2:a", 403)):
            assert await status(service, f"/v1/links/{link_id}", header) == expected
        issuer.replace_key()
        token = issuer.token(exp=now_s + 60, links=["fra1:*"])
        assert await status(service, "/v1/flags", {"Authorization": f"Bearer {token}"}) == 401


async def test_a_certificate_counts_from_haproxy_alone(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text(32 * "s")
    authority = LocalAuthority.create(tmp_path / "authority")
    files = authority.issue("service", ["127.0.0.1"])
    settings = {
        "tls_cert": str(files.cert),
        "tls_key": str(files.key),
        "tls_client_ca": str(authority.ca),
        "proxy_secret_file": str(secret),
        "tls_identities": {"CN:fra1": {"role": "reporter", "links": ["fra1:*"]}},
    }
    text = base64.b64encode(certificate("fra1")).decode()
    async with open_in_process(tmp_path, **settings) as service:
        header = {"X-PBA-Client-Certificate": f"{32 * 's'}:{text}"}
        whoami = (await service.client.get("/v1/whoami", headers=header)).json()
        assert (whoami["name"], whoami["links"]) == ("cert:CN:fra1", ["fra1:*"])
        for forged in (text, f":{text}", f"{32 * 'x'}:{text}", f"{32 * 's'}:", f"{32 * 's'}:%"):
            assert await status(service, "/v1/flags", {"X-PBA-Client-Certificate": forged}) == 401


async def test_a_certificate_counts_from_nobody_without_a_secret(tmp_path: Path):
    text = base64.b64encode(certificate("fra1")).decode()
    record, _ = key("admin")
    async with open_in_process(tmp_path) as service:
        await add(service, record)
        for forged in (text, f":{text}", f"None:{text}"):
            assert await status(service, "/v1/flags", {"X-PBA-Client-Certificate": forged}) == 401


async def test_a_caller_over_its_limits_gets_429_and_others_do_not(tmp_path: Path):
    limits = {"reporter": {"requests_per_s": 3, "body_mb": 0.001}}
    async with open_in_process(tmp_path, limits=limits) as service:
        (reporter, header), (operator, other) = key("reporter"), key("operator")
        await add(service, reporter, operator)
        started_s = time.monotonic()
        answers = [await service.client.get("/v1/flags", headers=header) for _ in range(30)]
        seconds = time.monotonic() - started_s
        codes = [answer.status_code for answer in answers]
        assert codes[:3] == [200, 200, 200]
        assert set(codes) == {200, 429}
        assert codes.count(200) <= 3 + 3 * seconds
        answer = next(answer for answer in answers if answer.status_code == 429)
        assert answer.headers["Retry-After"] == "1"
        assert answer.json()["error"]["code"] == "limit_reached"
        assert "somebody may send 3 requests a second" in answer.json()["error"]["message"]
        assert await status(service, "/v1/flags", other) == 200
        assert await status(service, "/livez") == 200


async def test_a_body_may_be_as_large_as_its_caller_may_send(tmp_path: Path):
    async with open_in_process(tmp_path, limits={"reporter": {"body_mb": 0.001}}) as service:
        (reporter, header), (operator, other) = key("reporter"), key("operator")
        await add(service, reporter, operator)
        body = {"samples": [{"timestamp": at, "bandwidth_mbps": 1} for at in range(60)]}
        for sent, expected in ((header, 413), (other, 200)):
            response = await service.client.post("/v1/links/x/samples", json=body, headers=sent)
            assert response.status_code == expected


async def test_samples_and_new_links_are_limited_however_they_are_sent(tmp_path: Path):
    limits = Limits(samples_per_s=100, max_links=2)
    reporter, header = key("reporter", "fra1:*", limits=limits)
    history = [{"timestamp": at, "bandwidth_mbps": 1} for at in range(20)]
    async with open_in_process(tmp_path) as service:
        await add(service, reporter)
        rows = [{"link_id": f"fra1:{name}", **history[0]} for name in ("a", "b", "c")]
        response = await service.client.post("/v1/samples", json={"samples": rows}, headers=header)
        (refused,) = response.json()["refused"]
        assert (refused["link_id"], refused["error"]["code"]) == ("fra1:c", "limit_reached")
        given = {"link_id": "fra1:d", "history": history}
        for path, body in (("/v1/forecast", given), ("/v1/forecasts", {"requests": [given]})):
            response = await service.client.post(path, json=body, headers=header)
            assert "limit_reached" in response.text, path
        links = (await service.client.get("/v1/links", headers=header)).json()["links"]
        assert [link["link_id"] for link in links] == ["fra1:a", "fra1:b"]
        given["link_id"] = "fra1:a"
        codes = [200]
        while codes[-1] == 200 and len(codes) < 100:  # calls that take 0.2 s each have no limit
            response = await service.client.post("/v1/forecast", json=given, headers=header)
            codes.append(response.status_code)
        assert len(codes) > 2
        assert codes[-1] == 429
