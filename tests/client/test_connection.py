"""Addresses, proxies, authorities and headers: what is used, and what is refused."""

import contextlib
import datetime
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pba.client import AsyncPBAClient, PBAClient
from pba.client.connection import httpx_arguments
from pba.errors import InvalidRequest, Unavailable

SECRET = "pass-w0rd"
VARIABLES = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "PBA_API_KEY"),
)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


class Models(BaseHTTPRequestHandler):
    """Answers every GET, whether it is a server's or a proxy's, with an empty list of models."""

    def do_GET(self) -> None:
        self.server.requests.append(self)  # type: ignore[attr-defined]
        body = json.dumps({"models": {}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def server(context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[Models]]]:
    """Yield the port of a server, and the requests it gets."""
    opened = ThreadingHTTPServer(("127.0.0.1", 0), Models)
    opened.requests = []  # type: ignore[attr-defined]
    if context:
        opened.socket = context.wrap_socket(opened.socket, server_side=True)
    thread = threading.Thread(target=opened.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield opened.server_port, opened.requests  # type: ignore[attr-defined]
    finally:
        opened.shutdown()
        thread.join()
        opened.server_close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a PEM file with a certificate of 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    path.write_bytes(signed.public_bytes(pem) + private)
    return path


@pytest.fixture
def https(certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with server(context) as (port, _):
        yield f"https://127.0.0.1:{port}"


def test_a_certificate_of_an_unknown_authority_is_refused_with_the_remedy(https: str):
    with (
        PBAClient(https, retries=0) as client,
        pytest.raises(Unavailable, match="as ca or SSL_CERT_FILE"),
    ):
        client.models()


async def test_an_authority_is_known_by_argument_or_environment(
    https: str, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for ca in (certificate, str(certificate)):
        with PBAClient(https, ca=ca) as client:
            assert client.models() == {}
    async with AsyncPBAClient(https, ca=certificate) as other:
        assert await other.models() == {}
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with PBAClient(https) as client:
        assert client.models() == {}


def test_authorities_that_cannot_be_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "text.pem").write_text("no certificate")
    for name in ("text.pem", "missing.pem"):
        with pytest.raises(InvalidRequest, match=rf"ca, which is .*{name}.* cannot be read.* PEM"):
            PBAClient("https://pba", ca=tmp_path / name)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "text.pem"))
    with pytest.raises(InvalidRequest, match="SSL_CERT_FILE"):
        PBAClient("https://pba")


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


def test_the_time_limit_is_kept():
    assert httpx.Client(**httpx_arguments("http://pba:1", 2.5)).timeout == httpx.Timeout(2.5)


@pytest.mark.parametrize(
    "url",
    ["localhost:8000", "127.0.0.1:8000", "http://", "", "ftp://a", "http://a:b", "http://a\n"],
)
def test_an_address_that_is_not_http_is_refused(url: str):
    with pytest.raises(InvalidRequest, match="url is"):
        httpx_arguments(url, 1.0)


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


KEY = "pba_0123456789abcdef_" + 43 * "x"


def sent_keys(requests: list[Models]) -> list[str | None]:
    return [request.headers.get("Authorization") for request in requests]


async def test_a_key_is_sent_by_argument_or_environment(monkeypatch: pytest.MonkeyPatch):
    with server() as (port, requests):
        url = f"http://127.0.0.1:{port}"
        with PBAClient(url) as client:
            client.models()
        with PBAClient(url, api_key=KEY) as client:
            client.models()
        monkeypatch.setenv("PBA_API_KEY", f"{KEY[:-1]}y\n")
        async with AsyncPBAClient(url) as other:
            await other.models()
        with PBAClient(url, api_key=KEY) as client:
            client.models()
        with PBAClient(url, api_key="") as client:
            client.models()
        first, second = f"Bearer {KEY}", f"Bearer {KEY[:-1]}y"
        assert sent_keys(requests) == [None, first, second, first, None]


def test_the_environments_key_gives_way_to_another_authorization(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PBA_API_KEY", KEY)
    with server() as (port, requests):
        with PBAClient(f"http://127.0.0.1:{port}", headers={"authorization": "Mine 1"}) as client:
            client.models()
        with PBAClient(f"http://u:p@127.0.0.1:{port}") as client:
            client.models()
        assert sent_keys(requests) == ["Mine 1", "Basic dTpw"]


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
