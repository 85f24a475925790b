"""Where HAProxy listens, what it encrypts, and what it tells replicas of a caller, without Ray."""

import base64
import re
import ssl
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from deployments.local_authority import Issued, LocalAuthority
from tests.support.haproxy import (
    OK,
    certificate_serial,
    copy_scripts,
    haproxy,
    replica,
    script_environment,
    write_config,
)
from tests.support.waiting import wait_until


@pytest.fixture
def authority(tmp_path: Path) -> LocalAuthority:
    return LocalAuthority.create(tmp_path / "authority")


def tls(files: Issued, client_ca: Path | None = None) -> dict[str, str]:
    """Return the variables that have HAProxy encrypt."""
    return {
        "PBA_TLS_CERT": str(files.cert),
        "PBA_TLS_KEY": str(files.key),
        "PBA_TLS_CLIENT_CA": str(client_ca or ""),
    }


def trust(authority: LocalAuthority, caller: Issued | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.ca)
    if caller:
        context.load_cert_chain(caller.cert, caller.key)
    return context


def get(url: str, context: ssl.SSLContext | None = None, **headers: str) -> httpx.Response:
    with httpx.Client(verify=context or False, trust_env=False) as client:
        return client.get(f"{url}/v1/models", headers=headers)


def bind_lines(folder: Path, host: str, **variables: str) -> dict[str, str]:
    """Return the `bind` line of each section, as Ray writes them and our scripts change them."""
    path, config = write_config(folder, None, host=host)
    subprocess.run(
        [copy_scripts(folder), "-db", "-f", path],
        env=script_environment(PBA_HAPROXY_BINARY="true", **variables),
        check=True,
    )
    ports = {config.metrics_port: "METRICS", config.stats_port: "STATS"}
    ports[config.http_options.port] = "HTTP"
    text = path.read_text()
    for number, name in ports.items():
        text = text.replace(str(number), name)
    return dict(re.findall(r"^(?:frontend|listen) (\w+)\n +bind (.*)$", text, re.M))


def test_metrics_are_on_loopback_and_statistics_on_no_port(tmp_path: Path):
    assert bind_lines(tmp_path, "0.0.0.0") == {
        "prometheus": "127.0.0.1:METRICS",
        "http_frontend": "*:HTTP",
    }


def test_a_scraper_elsewhere_may_be_let_in(tmp_path: Path):
    lines = bind_lines(tmp_path, "10.0.0.7", PBA_HAPROXY_METRICS_HOST="10.0.0.7")
    assert lines["prometheus"] == "10.0.0.7:METRICS"
    assert lines["http_frontend"] == "10.0.0.7:HTTP"
    assert "stats" not in lines


def test_a_relative_certificate_is_refused(tmp_path: Path):
    with pytest.raises(subprocess.CalledProcessError):
        bind_lines(tmp_path, "127.0.0.1", PBA_TLS_CERT="service.pem", PBA_TLS_KEY="/x")


def test_callers_that_trust_the_authority_are_answered_over_tls(
    tmp_path: Path, authority: LocalAuthority
):
    files = authority.issue("service", ["127.0.0.1"])
    with replica(lambda _: OK) as port, haproxy(tmp_path, port, **tls(files)) as url:
        assert get(url, trust(authority)).status_code == 200
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            get(url, ssl.create_default_context())
        with pytest.raises(httpx.TransportError):
            get(url.replace("https", "http"))


@pytest.mark.parametrize(
    ("newest", "accepted"),
    [
        (ssl.TLSVersion.TLSv1_1, False),
        (ssl.TLSVersion.TLSv1_2, True),
        (ssl.TLSVersion.TLSv1_3, True),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_no_version_before_1_2_is_accepted(
    tmp_path: Path, authority: LocalAuthority, newest: ssl.TLSVersion, accepted: bool
):
    context = trust(authority)
    context.set_ciphers("DEFAULT@SECLEVEL=0")  # OpenSSL itself refuses old versions by default
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, newest
    files = authority.issue("service", ["127.0.0.1"])
    with replica(lambda _: OK) as port, haproxy(tmp_path, port, **tls(files)) as url:
        if accepted:
            assert get(url, context).status_code == 200
        else:
            with pytest.raises(httpx.ConnectError, match="PROTOCOL_VERSION"):
                get(url, context)


def test_with_an_authority_of_callers_a_certificate_is_needed(
    tmp_path: Path, authority: LocalAuthority
):
    files, caller = authority.issue("service", ["127.0.0.1"]), authority.issue("caller")
    other = LocalAuthority.create(tmp_path / "other").issue("stranger")
    with (
        replica(lambda _: OK) as port,
        haproxy(tmp_path, port, **tls(files, authority.ca)) as url,
    ):
        assert get(url, trust(authority, caller)).status_code == 200
        for stranger in (None, other):
            with pytest.raises(httpx.TransportError):
                get(url, trust(authority, stranger))


def test_a_renewed_certificate_is_shown_and_connections_stay(
    tmp_path: Path, authority: LocalAuthority
):
    files = authority.issue("service", ["127.0.0.1"])
    with replica(lambda _: OK) as port, haproxy(tmp_path, port, **tls(files)) as url:
        address = url.removeprefix("https://")
        before = certificate_serial(address)
        with httpx.Client(verify=trust(authority), trust_env=False) as client:
            first = client.get(f"{url}/-/routes").extensions["network_stream"]
            authority.issue("service", ["127.0.0.1"])
            wait_until(lambda: certificate_serial(address) != before, "the new certificate")
            again = client.get(f"{url}/-/routes").extensions["network_stream"]
            assert again.get_extra_info("client_addr") == first.get_extra_info("client_addr")


def test_a_certificate_whose_key_is_missing_yet_does_not_replace_the_old_one(
    tmp_path: Path, authority: LocalAuthority
):
    files = authority.issue("service", ["127.0.0.1"])
    new = authority.issue("next", ["127.0.0.1"])
    with replica(lambda _: OK) as port, haproxy(tmp_path, port, **tls(files)) as url:
        address = url.removeprefix("https://")
        before = certificate_serial(address)
        files.cert.write_bytes(new.cert.read_bytes())
        time.sleep(3)  # HAProxy looks every 2 s
        assert certificate_serial(address) == before
        files.key.write_bytes(new.key.read_bytes())
        wait_until(lambda: certificate_serial(address) != before, "the new certificate")


def test_renewed_authorities_of_callers_count(tmp_path: Path, authority: LocalAuthority):
    files, other = authority.issue("service", ["127.0.0.1"]), LocalAuthority.create(tmp_path / "o")
    callers = tmp_path / "callers.pem"
    callers.write_bytes(other.ca.read_bytes())
    caller = authority.issue("caller")

    def is_let_in() -> bool:
        try:
            return get(url, trust(authority, caller)).status_code == 200
        except httpx.TransportError:
            return False

    with replica(lambda _: OK) as port, haproxy(tmp_path, port, **tls(files, callers)) as url:
        assert not is_let_in()
        callers.write_bytes(other.ca.read_bytes() + authority.ca.read_bytes())
        wait_until(is_let_in, "the new authority")


@pytest.mark.parametrize("encrypted", [False, True])
def test_replicas_get_the_address_that_haproxy_sees(
    tmp_path: Path, authority: LocalAuthority, encrypted: bool
):
    requests: list[bytes] = []

    def answer(request: bytes) -> bytes:
        requests.append(request)
        return OK

    files = tls(authority.issue("service", ["127.0.0.1"])) if encrypted else {}
    forged = {"X-Forwarded-For": "10.9.9.9", "Forwarded": "for=10.9.9.9"}
    with replica(answer) as port, haproxy(tmp_path, port, **files) as url:
        get(url, trust(authority), **forged, **{"X-Forwarded-Proto": "ftp"})
    headers = requests[0].decode().lower().splitlines()
    assert "x-forwarded-for: 127.0.0.1" in headers
    assert f"x-forwarded-proto: {'https' if encrypted else 'http'}" in headers
    assert not any("10.9.9.9" in line or "ftp" in line for line in headers)


def test_the_socket_of_this_user_answers_without_tls(tmp_path: Path, authority: LocalAuthority):
    files = authority.issue("service", ["127.0.0.1"])
    path = tmp_path / "local.sock"
    variables = tls(files, authority.ca) | {"PBA_HAPROXY_LOCAL": str(path)}
    with replica(lambda _: OK) as port, haproxy(tmp_path, port, **variables):
        assert path.stat().st_mode & 0o777 == 0o600
        transport = httpx.HTTPTransport(uds=str(path))
        with httpx.Client(transport=transport, trust_env=False) as client:
            assert client.get("http://localhost/v1/models").status_code == 200


def test_replicas_get_the_certificate_that_haproxy_has_verified_and_no_other(
    tmp_path: Path, authority: LocalAuthority
):
    requests: list[bytes] = []

    def answer(request: bytes) -> bytes:
        requests.append(request)
        return OK

    secret = tmp_path / "secret"
    secret.write_text(32 * "s")
    files, caller = authority.issue("service", ["127.0.0.1"]), authority.issue("caller")
    variables = tls(files, authority.ca) | {"PBA_PROXY_SECRET_FILE": str(secret)}
    forged = {"X-PBA-Client-Certificate": f"{32 * 's'}:forged"}
    with replica(answer) as port, haproxy(tmp_path, port, **variables) as url:
        get(url, trust(authority, caller), **forged)
    with replica(answer) as port, haproxy(tmp_path, port, **tls(files)) as url:
        get(url, trust(authority), **forged)
    with replica(answer) as port, haproxy(tmp_path, port) as url:
        get(url, **forged)
    sent = [certificates_in(request) for request in requests]
    der = x509.load_pem_x509_certificate(caller.cert.read_bytes()).public_bytes(Encoding.DER)
    assert sent == [[f"{32 * 's'}:{base64.b64encode(der).decode()}"], [], []]
    configuration = (tmp_path / "haproxy.cfg").read_text()
    assert 32 * "s" not in configuration


def certificates_in(request: bytes) -> list[str]:
    lines = request.decode("latin-1").splitlines()
    pairs = (line.partition(": ") for line in lines)
    return [value for name, _, value in pairs if name.lower() == "x-pba-client-certificate"]
