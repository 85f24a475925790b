"""Which authorities a client trusts, and the certificate that it shows."""

import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from deployments.local_authority import Issued, LocalAuthority
from pba.client import AsyncPBAClient, PBAClient
from pba.errors import InvalidRequest, Unavailable
from tests.client.local_server import server


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch):
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    return LocalAuthority.create(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="module")
def service(authority: LocalAuthority) -> Issued:
    return authority.issue("service", ["127.0.0.1"])


@pytest.fixture(scope="module")
def caller(authority: LocalAuthority) -> Issued:
    return authority.issue("caller")


@contextlib.contextmanager
def https(service: Issued, client_ca: Path | None = None) -> Iterator[str]:
    """Yield the address of a service with TLS, which with ``client_ca`` wants certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(service.cert, service.key)
    if client_ca:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    with server(context) as (port, _):
        yield f"https://127.0.0.1:{port}"


def test_a_certificate_of_an_unknown_authority_is_refused_with_the_remedy(service: Issued):
    with (
        https(service) as url,
        PBAClient(url, retries=0) as client,
        pytest.raises(Unavailable, match="as ca or SSL_CERT_FILE"),
    ):
        client.models()


async def test_an_authority_is_known_by_argument_or_environment(
    service: Issued, authority: LocalAuthority, monkeypatch: pytest.MonkeyPatch
):
    with https(service) as url:
        for ca in (authority.ca, str(authority.ca)):
            with PBAClient(url, ca=ca) as client:
                assert client.models() == {}
        async with AsyncPBAClient(url, ca=authority.ca) as other:
            assert await other.models() == {}
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
        with PBAClient(url) as client:
            assert client.models() == {}


def test_authorities_that_cannot_be_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "text.pem").write_text("no certificate")
    for name in ("text.pem", "missing.pem"):
        with pytest.raises(InvalidRequest, match=rf"ca, which is .*{name}.* cannot be read.* PEM"):
            PBAClient("https://pba", ca=tmp_path / name)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "text.pem"))
    with pytest.raises(InvalidRequest, match="SSL_CERT_FILE"):
        PBAClient("https://pba")


async def test_a_service_that_wants_a_certificate_answers_callers_that_show_one(
    service: Issued, caller: Issued, authority: LocalAuthority, tmp_path: Path
):
    both = tmp_path / "both.pem"
    both.write_text(caller.cert.read_text() + caller.key.read_text())
    with https(service, authority.ca) as url:
        for cert in ((caller.cert, caller.key), (str(caller.cert), str(caller.key)), both):
            with PBAClient(url, ca=authority.ca, cert=cert) as client:
                assert client.models() == {}
        async with AsyncPBAClient(url, ca=authority.ca, cert=(caller.cert, caller.key)) as other:
            assert await other.models() == {}
        with (
            PBAClient(url, ca=authority.ca, retries=0) as client,
            pytest.raises(Unavailable, match="only callers with a certificate.*as cert"),
        ):
            client.models()


def test_a_certificate_that_cannot_be_used_is_named(
    service: Issued, caller: Issued, tmp_path: Path
):
    for cert in (caller.cert, (caller.cert, service.key), tmp_path / "missing.pem"):
        with pytest.raises(InvalidRequest, match=r"^cert, which is .* cannot be used: .* PEM"):
            PBAClient("https://pba", cert=cert)


def test_a_key_with_a_password_is_refused_and_nobody_is_prompted(caller: Issued, tmp_path: Path):
    key = serialization.load_pem_private_key(caller.key.read_bytes(), None)
    locked = tmp_path / "locked.key"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"word"),
        )
    )
    with pytest.raises(InvalidRequest, match="key of cert has a password"):
        PBAClient("https://pba", cert=(caller.cert, locked))
