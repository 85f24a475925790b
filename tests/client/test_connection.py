"""Addresses, proxies and headers: what is used, and what is refused."""

from collections.abc import Sequence

import httpx
import pytest

from pba.client import AsyncPBAClient, PBAClient
from pba.client.connection import Connection, open_connection
from pba.errors import InvalidRequest, Unavailable
from tests.client.local_server import server

SECRET = "pass-w0rd"
VARIABLES = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("PBA_URL", "PBA_API_KEY"),
)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def _open(url: str | Sequence[str] | None, timeout_s: float = 1.0) -> Connection[httpx.Client]:
    return open_connection(httpx.Client, url, timeout_s, *[None] * 6)


def _addresses(url: str | Sequence[str] | None) -> list[str]:
    return list(map(str, _open(url).urls))


async def test_a_proxy_is_used_by_argument_or_environment(monkeypatch: pytest.MonkeyPatch):
    with server() as (port, requests):
        proxy = f"http://127.0.0.1:{port}"
        with PBAClient("http://pba.test", proxy=proxy) as client:
            client.models()
        monkeypatch.setenv("HTTP_PROXY", proxy)
        async with AsyncPBAClient("http://pba.test") as other:
            await other.models()
        assert [request.path for request in requests] == ["http://pba.test/v1/models"] * 2
        monkeypatch.setenv("NO_PROXY", "pba.test")
        with PBAClient("http://pba.test", retries=0) as client, pytest.raises(Unavailable):
            client.models()
        assert len(requests) == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_service_on_this_machine_is_reached_without_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, host: str
):
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with server() as (port, requests), PBAClient(f"http://{host}:{port}") as client:
        assert client.models() == {}
        assert [request.path for request in requests] == ["/v1/models"]


def test_headers_and_credentials_are_sent():
    with server() as (port, requests):
        url = f"http://anna:{SECRET}@127.0.0.1:{port}"
        with PBAClient(url, headers={"X-Api-Key": "key-17"}) as client:
            client.models()
        (request,) = requests
        assert request.headers["x-api-key"] == "key-17"
        assert request.headers["authorization"].startswith("Basic ")


def test_the_address_is_that_of_the_argument_or_the_environment(monkeypatch: pytest.MonkeyPatch):
    assert _addresses(None) == ["http://127.0.0.1:8000"]
    monkeypatch.setenv("PBA_URL", "https://pba.example")
    assert _addresses(None) == ["https://pba.example"]
    assert _addresses("http://pba") == ["http://pba"]
    monkeypatch.setenv("PBA_URL", "https://a.example, https://b.example")
    assert _addresses(None) == ["https://a.example", "https://b.example"]
    assert _addresses(["http://pba", "http://pbb"]) == ["http://pba", "http://pbb"]
    monkeypatch.setenv("PBA_URL", f"anna:{SECRET}@pba")
    with pytest.raises(InvalidRequest, match="^PBA_URL is ") as caught:
        _addresses(None)
    assert SECRET not in str(caught.value)


def test_the_time_limit_is_kept():
    assert _open("http://pba:1", 20.0).http.timeout == httpx.Timeout(20.0)
    several = _open("http://pba:1,http://pbb:1", 20.0).http.timeout
    assert several == httpx.Timeout(20.0, connect=2.5)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "localhost:8000",
            "127.0.0.1:8000",
            "http://",
            "",
            "ftp://a",
            "http://a:b",
            "http://a/\nb",
        ),
        *("http://a,", "http://a,b"),
    ],
)
def test_an_address_that_is_not_http_is_refused(url: str):
    with pytest.raises(InvalidRequest, match="url is"):
        _open(url)


def test_no_address_at_all_is_refused():
    with pytest.raises(InvalidRequest, match="url has no address"):
        _open([])


@pytest.mark.parametrize(
    "url",
    [
        f"http://anna:{SECRET}@host:port",
        f"ftp://anna:{SECRET}@host",
        f"anna:{SECRET}@host",
        f"http://anna:{SECRET}/x@host",
        f"http://anna:12/{SECRET}@host",
        f"http://anna:x#{SECRET}@host",
        f"http://anna:x?{SECRET}@host",
        f"http://anna:x@{SECRET}@",
    ],
)
def test_a_password_is_in_no_message_about_the_address(url: str):
    for name, arguments in (("url", {"url": url}), ("proxy", {"url": "http://a", "proxy": url})):
        with pytest.raises(InvalidRequest, match=f"^{name} is ") as caught:
            PBAClient(**arguments)
        assert caught.value.__cause__ is None
        assert SECRET not in str(caught.value)
        assert "anna" not in str(caught.value)


def test_a_proxy_of_the_environment_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTPS_PROXY", f"gopher://anna:{SECRET}@host")
    with pytest.raises(InvalidRequest, match="HTTPS_PROXY") as caught:
        PBAClient("https://pba")
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "headers", [{"X-Key": f"{SECRET}\n"}, {"X-Key": f"{SECRET}ä"}, {"X Key": SECRET}, {"": SECRET}]
)
def test_a_header_that_cannot_be_sent_is_named_without_its_value(headers: dict[str, str]):
    with pytest.raises(InvalidRequest, match="the header") as caught:
        PBAClient("http://pba", headers=headers)
    assert SECRET not in str(caught.value)
