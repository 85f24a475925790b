"""Whether a service may start on an address that others reach."""

from pathlib import Path

import pytest

from deployments.access_check import access_warnings, require_keys
from deployments.settings import Settings
from deployments.store_factory import open_store
from pba.errors import InvalidInput
from pba.security.key_file import write_keys
from tests.support.keys import key

LOOPBACK = ["127.0.0.1", "::1", "localhost"]


def settings(folder: Path, **others: object) -> Settings:
    return Settings(**{"store_url": f"sqlite:///{folder}/pba.db", **others})


def add_key(settings: Settings) -> None:
    store = open_store(settings)
    store.keys.add(key("admin")[0])
    store.close()


def test_on_loopback_a_service_needs_no_key_and_its_store_is_not_opened(tmp_path: Path):
    require_keys(LOOPBACK, settings(tmp_path))
    assert not (tmp_path / "pba.db").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "pba.example"])
def test_elsewhere_it_needs_one(tmp_path: Path, host: str):
    given = settings(tmp_path)
    with pytest.raises(InvalidInput, match=rf"reach {host}.*pba keys create --role admin"):
        require_keys(["127.0.0.1", host], given)
    add_key(given)
    require_keys(["127.0.0.1", host], given)


def test_whoever_insists_is_warned_only_where_others_reach_it(tmp_path: Path):
    insecure = settings(tmp_path, insecure=True)
    require_keys(["0.0.0.0"], insecure)
    (warning,) = access_warnings(["127.0.0.1", "0.0.0.0"], insecure)
    assert "PBA_INSECURE" in warning
    assert access_warnings(LOOPBACK, insecure) == []
    assert access_warnings(["0.0.0.0"], settings(tmp_path)) == []


def test_a_file_of_keys_suffices_and_must_be_readable(tmp_path: Path):
    path = tmp_path / "keys.json"
    for hosts in (["0.0.0.0"], LOOPBACK):
        with pytest.raises(InvalidInput, match="PBA_KEYS_FILE"):
            require_keys(hosts, settings(tmp_path, keys_file=str(path)))
    write_keys(path, [key("admin")[0]])
    require_keys(["0.0.0.0"], settings(tmp_path, keys_file=str(path)))


def test_a_store_that_is_away_does_not_prevent_a_start(tmp_path: Path):
    (tmp_path / "pba.db").write_text("no database")
    require_keys(["0.0.0.0"], settings(tmp_path))


def test_an_issuer_or_certificates_of_callers_suffice(tmp_path: Path):
    issuer = {"oidc_issuer": "https://issuer.example", "oidc_audience": "pba"}
    require_keys(["0.0.0.0"], settings(tmp_path, **issuer))
    assert access_warnings(["0.0.0.0"], settings(tmp_path, insecure=True, **issuer)) == []
