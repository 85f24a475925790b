"""Keys and tokens: which one is sent, how often a token is fetched, and what is refused."""

from typing import Any

import httpx
import pytest

from pba.client import AsyncPBAClient, PBAClient
from pba.errors import Forbidden, InvalidRequest, Unauthenticated, Unavailable
from tests.client.conftest import URL, StandIn

KEY = "pba_0123456789abcdef_" + 43 * "x"
MODELS = {"models": {}}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PBA_API_KEY", raising=False)


def sent(service: StandIn) -> list[str | None]:
    return [request.headers.get("Authorization") for request in service.requests]


async def test_a_key_is_sent_by_argument_or_environment(
    service: StandIn, monkeypatch: pytest.MonkeyPatch
):
    service.respond(json=MODELS)
    with PBAClient(URL) as client:
        client.models()
    with PBAClient(URL, api_key=KEY) as client:
        client.models()
    monkeypatch.setenv("PBA_API_KEY", f"{KEY[:-1]}y\n")
    async with AsyncPBAClient(URL) as other:
        await other.models()
    with PBAClient(URL, api_key=KEY) as client:
        client.models()
    with PBAClient(URL, api_key="") as client:
        client.models()
    first, second = f"Bearer {KEY}", f"Bearer {KEY[:-1]}y"
    assert sent(service) == [None, first, second, first, None]


def test_the_environments_key_gives_way_to_another_authorization(
    service: StandIn, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PBA_API_KEY", KEY)
    service.respond(json=MODELS)
    for client in (
        PBAClient(URL, headers={"authorization": "Mine 1"}),
        PBAClient("http://u:p@pba:1"),
        PBAClient(URL, token=lambda: "t-1"),
    ):
        with client:
            client.models()
    assert sent(service) == ["Mine 1", "Basic dTpw", "Bearer t-1"]


@pytest.mark.parametrize(
    "options",
    [
        {"url": "http://u:p@pba", "api_key": KEY},
        {"url": "http://pba", "headers": {"Authorization": "Mine 1"}, "api_key": KEY},
        {"url": "http://pba", "api_key": f"{KEY}\r\nX-Other: 1"},
        {"url": "http://pba", "api_key": "not one word"},
        {"url": "http://pba", "api_key": "schl\xfcssel"},
    ],
)
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(options: dict[str, Any]):
    with pytest.raises(InvalidRequest) as caught:
        PBAClient(**options)
    assert "api_key" in str(caught.value)
    assert options["api_key"] not in str(caught.value)


def test_a_key_of_the_environment_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PBA_API_KEY", "two words")
    with pytest.raises(InvalidRequest, match="PBA_API_KEY is no key"):
        PBAClient("http://pba")


@pytest.mark.parametrize(
    "other", [{"api_key": KEY}, {"url": "http://u:p@pba"}, {"headers": {"Authorization": "x"}}]
)
def test_a_token_beside_another_authorization_is_refused(other: dict[str, Any]):
    with pytest.raises(InvalidRequest, match="there is a token, and"):
        PBAClient(**({"url": "http://pba"} | other), token=lambda: "t-1")


async def test_a_token_is_fetched_for_every_request_and_every_repeated_one(service: StandIn):
    tokens = iter(f"t-{number}" for number in range(9))
    answers = [httpx.Response(200, json=MODELS), httpx.Response(503)]
    service.respond_in_turn(*answers, *(httpx.Response(200, json=MODELS) for _ in range(3)))
    with PBAClient(URL, token=lambda: next(tokens)) as client:
        client.models()
        client.models()
    async with AsyncPBAClient(URL, token=lambda: next(tokens)) as other:
        await other.models()

    async def fetch() -> str:
        return next(tokens)

    async with AsyncPBAClient(URL, token=fetch) as other:
        await other.models()
    assert sent(service) == [f"Bearer t-{number}" for number in range(5)]


def test_a_refused_token_is_an_error_that_is_not_repeated(service: StandIn):
    for status, kind in ((401, Unauthenticated), (403, Forbidden)):
        service.requests.clear()
        service.respond(status, json={"error": {"code": kind.code, "message": "no"}})
        with PBAClient(URL, token=lambda: "t-1") as client, pytest.raises(kind, match="^no$"):
            client.models()
        assert len(service.requests) == 1


@pytest.mark.parametrize("token", ["", "two words", "line\n", "schl\xfcssel", None, b"bytes"])
async def test_what_is_no_token_is_refused_without_showing_it(service: StandIn, token: Any):
    with PBAClient(URL, token=lambda: token) as client, pytest.raises(Unauthenticated) as caught:
        client.models()
    assert "token returned" in str(caught.value)
    assert not token or str(token) not in str(caught.value)
    async with AsyncPBAClient(URL, token=lambda: token) as other:
        with pytest.raises(Unauthenticated, match="token returned"):
            await other.models()
    assert service.requests == []


async def test_a_function_that_fails_is_no_failure_of_the_service(service: StandIn):
    def fail() -> str:
        raise httpx.ConnectError("no route to the issuer")

    with (
        PBAClient(URL, token=fail) as client,
        pytest.raises(Unauthenticated, match="token raised ConnectError") as caught,
    ):
        client.models()
    assert isinstance(caught.value.__cause__, httpx.ConnectError)

    async def refuse() -> str:
        raise Unavailable("the issuer rests")

    async with AsyncPBAClient(URL, token=refuse) as other:
        with pytest.raises(Unavailable, match="the issuer rests"):
            await other.models()
    assert (service.requests, service.waits_s) == ([], [])


def test_a_token_is_in_no_error(service: StandIn):
    service.handler = lambda request: httpx.Response(
        502, text=f"no access with {request.headers['authorization']}"
    )
    with (
        PBAClient(URL, retries=0, token=lambda: "t-secret-1") as client,
        pytest.raises(Unavailable, match=r"no access with \*\*\*") as caught,
    ):
        client.models()
    assert "t-secret-1" not in str(caught.value)
