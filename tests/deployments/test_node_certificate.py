"""Certificates of Ray's nodes: for their address, without the authority's key."""

import stat
from pathlib import Path

import pytest
from cryptography import x509
from typer.testing import CliRunner

from deployments import node_certificate


def run(*words: object) -> str:
    app = node_certificate.typer.Typer()
    app.command()(node_certificate.main)
    result = CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def _address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_certificate.ray.util, "get_node_ip_address", lambda: "10.0.0.7")


@pytest.mark.usefixtures("_address")
def test_a_node_gets_a_certificate_for_its_address_and_names(tmp_path: Path):
    run("--ca", tmp_path / "ca")
    run("--ca", tmp_path / "ca", "--to", tmp_path / "tls", "--host", "head-svc")
    node = x509.load_pem_x509_certificate((tmp_path / "tls/node.pem").read_bytes())
    names = node.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "head-svc"]
    addresses = names.get_values_for_type(x509.IPAddress)
    assert [str(one) for one in addresses] == ["127.0.0.1", "10.0.0.7"]
    ca = x509.load_pem_x509_certificate((tmp_path / "tls/ca.pem").read_bytes())
    node.verify_directly_issued_by(ca)
    assert (ca.not_valid_after_utc - node.not_valid_after_utc).days > 3000


@pytest.mark.usefixtures("_address")
def test_a_node_has_its_own_key_alone(tmp_path: Path):
    run("--ca", tmp_path / "ca")
    run("--ca", tmp_path / "ca", "--to", tmp_path / "tls")
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "tls").iterdir()}
    assert files == dict.fromkeys(("ca.pem", "node.key", "node.pem"), 0o600)
    authority = (tmp_path / "ca/ca.key").read_bytes()
    assert authority not in {path.read_bytes() for path in (tmp_path / "tls").iterdir()}


@pytest.mark.usefixtures("_address")
def test_every_node_has_the_same_authority(tmp_path: Path):
    assert "ca.pem and ca.key" in run("--ca", tmp_path / "ca")
    for name in "ab":
        run("--ca", tmp_path / "ca", "--to", tmp_path / name)
    texts = {(tmp_path / name / "ca.pem").read_text() for name in "ab"}
    assert texts == {(tmp_path / "ca/ca.pem").read_text()}
