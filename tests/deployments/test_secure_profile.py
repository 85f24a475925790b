"""The files of `make serve-secure`: whose they are, what stays, and what is shown."""

import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from deployments.access_check import require_keys
from deployments.secure_profile import SecureProfile
from deployments.settings import Settings
from pba.security import Role
from pba.security.key_file import read_keys

NOW_S = 1_790_000_000.0


@pytest.fixture
def profile(tmp_path: Path) -> SecureProfile:
    return SecureProfile.prepare(tmp_path / "secure", ["pba.example"], lambda: NOW_S)


def settings_of(profile: SecureProfile) -> Settings:
    prefix = len("PBA_")
    return Settings(**{name[prefix:].lower(): text for name, text in profile.settings.items()})


def test_everything_is_its_users_alone(profile: SecureProfile, tmp_path: Path):
    paths = [tmp_path / "secure", *(tmp_path / "secure").rglob("*")]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in paths}
    assert modes == {0o600, 0o700}


def test_the_certificate_is_for_this_machine_and_the_names_of_its_callers(profile: SecureProfile):
    cert = x509.load_pem_x509_certificate(profile.service.cert.read_bytes())
    names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "pba.example"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    files = settings_of(profile).certificate_files
    assert files is not None
    files.read()


def test_callers_certificates_do_not_count_among_rays_processes(profile: SecureProfile):
    trusted = x509.load_pem_x509_certificate(profile.ray_ca.read_bytes())
    node, caller = (
        x509.load_pem_x509_certificate(one.cert.read_bytes())
        for one in (profile.ray, profile.caller)
    )
    node.verify_directly_issued_by(trusted)
    with pytest.raises(InvalidSignature):
        caller.verify_directly_issued_by(trusted)


def test_the_first_start_has_one_key_of_an_admin_and_later_ones_none(profile: SecureProfile):
    folder = profile.keys.parent
    (record,) = read_keys(profile.keys)
    assert (record.role, str(record.scope)) == (Role.ADMIN, "*")
    assert profile.new_key is not None
    assert profile.new_key not in profile.keys.read_text()
    assert f"export PBA_API_KEY={profile.new_key}" in "\n".join(profile.key_lines("pba"))
    again = SecureProfile.prepare(folder, [], lambda: NOW_S)
    assert (again.new_key, read_keys(again.keys)) == (None, [record])
    assert "pba keys rotate admin" in "\n".join(again.key_lines("pba"))
    assert again.ca.read_text() == profile.ca.read_text(), "callers know the authority"


def test_the_service_has_a_key_wherever_it_is_reached(profile: SecureProfile):
    require_keys(["0.0.0.0"], settings_of(profile))


def test_the_commands_show_the_callers_certificate_where_it_is_needed(
    profile: SecureProfile, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(profile.keys.parents[1])
    assert profile.pba_options(False) == " --ca secure/ca.pem"
    assert profile.curl_options(False) == (
        ' --cacert secure/ca.pem -H "Authorization: Bearer $PBA_API_KEY"'
    )
    own = "--cert secure/caller.pem --key secure/caller.key"
    assert own in profile.pba_options(True)
    assert own in profile.curl_options(True)
    assert profile.new_key is not None
    assert profile.new_key not in profile.curl_options(True)
