"""The files of TLS, and the settings that name them."""

from pathlib import Path
from typing import Any

import pytest

from deployments.certificates import CertificateFiles
from deployments.local_authority import LocalAuthority
from deployments.settings import read_settings
from deployments.tls_settings import require_tls_of_haproxy, tls_variables
from pba.errors import InvalidInput

HAPROXY = {
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    "RAY_SERVE_HAPROXY_BINARY_PATH": "/pba/haproxy-with-errors.sh",
}


@pytest.fixture
def authority(tmp_path: Path) -> LocalAuthority:
    return LocalAuthority.create(tmp_path / "authority")


def test_files_that_fit_are_read(authority: LocalAuthority):
    files = authority.issue("one")
    read = CertificateFiles(files.cert, files.key, authority.ca).read()
    expected = [path.read_bytes() for path in (files.key, files.cert, authority.ca)]
    assert [read.key, read.chain, read.client_ca] == expected


def test_files_that_do_not_fit_are_refused(authority: LocalAuthority):
    one, other = authority.issue("one"), authority.issue("other")
    for cert, key in ((one.cert, other.key), (one.key, one.key)):
        with pytest.raises(InvalidInput, match="cannot be used with the key in"):
            CertificateFiles(cert, key, None).read()
    with pytest.raises(InvalidInput, match="absent cannot be read"):
        CertificateFiles(one.cert, Path("absent"), None).read()
    with pytest.raises(InvalidInput, match="authorities"):
        CertificateFiles(one.cert, one.key, one.key).read()


def test_the_keys_of_an_authority_are_its_users_alone(authority: LocalAuthority):
    files = authority.issue("one", ["127.0.0.1", "pba.example"])
    for key in (files.key, authority.ca.with_name("ca.key")):
        assert key.stat().st_mode & 0o777 == 0o600
    assert authority.ca.parent.stat().st_mode & 0o777 == 0o700


def test_an_authority_is_used_again(authority: LocalAuthority):
    before = authority.ca.read_bytes()
    again = LocalAuthority.open(authority.ca.parent)
    assert again.ca.read_bytes() == before
    assert again.issue("two").cert.exists()


@pytest.mark.parametrize(
    "args", [{"tls_cert": "a.pem"}, {"tls_key": "a.key"}, {"tls_client_ca": "ca.pem"}]
)
def test_settings_of_tls_belong_together(args: dict[str, Any]):
    with pytest.raises(InvalidInput, match=r"^tls_\w+ (and|needs) .*[.]$") as caught:
        read_settings(args)
    assert "store_url" not in str(caught.value), "other settings may be secrets"


def test_http_and_grpc_are_encrypted_both_or_neither(tmp_path: Path):
    plain = read_settings({})
    settings = read_settings({"tls_cert": f"{tmp_path}/a.pem", "tls_key": f"{tmp_path}/a.key"})
    variables = tls_variables(settings)
    require_tls_of_haproxy(plain, {})
    require_tls_of_haproxy(settings, HAPROXY | variables)
    with pytest.raises(InvalidInput, match="leave tls_ settings out of args"):
        require_tls_of_haproxy(settings, HAPROXY)
    with pytest.raises(InvalidInput, match="leave tls_ settings out of args"):
        require_tls_of_haproxy(plain, HAPROXY | variables)
    for name in HAPROXY:
        with pytest.raises(InvalidInput, match="HTTP would not be encrypted"):
            require_tls_of_haproxy(settings, HAPROXY | variables | {name: "0"})


def test_certificates_of_callers_need_the_secret_of_haproxy(tmp_path: Path):
    rights = {"CN:fra1": {"role": "reporter"}}
    files = {name: f"{tmp_path}/{name}" for name in ("tls_cert", "tls_key", "tls_client_ca")}
    settings = read_settings({**files, "tls_identities": rights})
    with pytest.raises(InvalidInput, match="PBA_PROXY_SECRET_FILE"):
        require_tls_of_haproxy(settings, HAPROXY | tls_variables(settings))
    secret = tmp_path / "secret"
    named = read_settings(
        {**files, "tls_identities": rights, "proxy_secret_file": str(secret)},
    )
    with pytest.raises(InvalidInput, match="cannot be read"):
        require_tls_of_haproxy(named, HAPROXY | tls_variables(named))
    for text in ("", "short", "with spaces " * 5):
        secret.write_text(text)
        with pytest.raises(InvalidInput, match="32 to 200"):
            require_tls_of_haproxy(named, HAPROXY | tls_variables(named))
    secret.write_text(f"{40 * 'x'}\n")
    require_tls_of_haproxy(named, HAPROXY | tls_variables(named))
    assert named.proxy_secret == 40 * "x"
