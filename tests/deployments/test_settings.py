"""Settings from the environment and from args: what is refused, ignored or warned of."""

import logging
from typing import Any

import pytest
from ray.serve import Application

from deployments import app
from deployments.settings import Settings, read_settings, settings_warnings
from deployments.variables import variable_warnings
from pba.errors import InvalidInput

ISSUER = {"oidc_issuer": "https://issuer.example", "oidc_audience": "pba"}
SERVICE = {  # what Kubernetes sets in each pod beside a Service called pba-grpc
    "PBA_GRPC_SERVICE_HOST": "10.96.7.4",
    "PBA_GRPC_SERVICE_PORT": "9000",
    "PBA_GRPC_SERVICE_PORT_GRPC": "9000",
    "PBA_GRPC_PORT": "tcp://10.96.7.4:9000",
    "PBA_GRPC_PORT_9000_TCP": "tcp://10.96.7.4:9000",
    "PBA_GRPC_PORT_9000_TCP_PROTO": "tcp",
    "PBA_GRPC_PORT_9000_TCP_PORT": "9000",
    "PBA_GRPC_PORT_9000_TCP_ADDR": "10.96.7.4",
    "PBA_SERVICE_HOST": "10.96.7.5",  # of one called pba
    "PBA_PORT": "tcp://10.96.7.5:8000",
    "PBA_PORT_8000_TCP": "tcp://10.96.7.5:8000",
    "PBA_HEAD_SVC_PORT": "tcp://[fd00::7]:6379",
    "PBA_HEAD_SVC_SERVICE_PORT": "6379",
}


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PBA_TRACES", "PBA_COVERAGE_FOLDER"):
        monkeypatch.delenv(name, raising=False)


def test_variables_beside_a_service_of_kubernetes_change_no_setting(
    monkeypatch: pytest.MonkeyPatch,
):
    for name, value in SERVICE.items():
        monkeypatch.setenv(name, value)
    assert read_settings({}) == Settings()
    (warning,) = settings_warnings({})
    assert warning.startswith("PBA_GRPC_PORT is 'tcp://10.96.7.4:9000', which Kubernetes sets")
    assert "a Service called pba-grpc; it is ignored" in warning
    assert "enableServiceLinks: false" in warning
    assert read_settings({"grpc_port": 9001}).grpc_port == 9001


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("postgresql://anna:s3cret@db/pba", True),
        ("postgresql://anna@db/pba?password=s3cret", True),
        ("postgresql://anna@db/pba", False),
        ("sqlite:///data/pba.db", False),
        ("postgresql://anna:s3@cret@db/pba", False),  # refused, with the remedy, elsewhere
    ],
)
def test_a_password_that_ray_would_log_is_warned_of_without_showing_it(url: str, warned: bool):
    warnings = settings_warnings({"store_url": url})
    assert len(warnings) == warned
    assert "s3" not in "".join(warnings)
    assert not warnings or "PBA_STORE_URL" in warnings[0]


def test_settings_from_the_environment_hold(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PBA_GRPC_PORT", "9002")
    monkeypatch.setenv("pba_v1", "false")
    monkeypatch.setenv("PBA_FLAGS", '{"shadow": true}')
    settings = read_settings({})
    assert (settings.grpc_port, settings.v1, settings.flags) == (9002, False, {"shadow": True})
    assert settings_warnings({}) == []


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("PBA_GRCP_PORT", "Did you mean PBA_GRPC_PORT?"),
        ("PBA_STORE_URI", "Did you mean PBA_STORE_URL?"),
        ("PBA_RETENTION", "Did you mean PBA_RETENTION_DAYS?"),
        ("pba_stor_url", "Did you mean PBA_STORE_URL?"),
        ("PBA_ZZZ", "docs/deployment.md lists the settings."),
    ],
)
def test_a_mistyped_variable_is_warned_of_without_its_value(name: str, nearest: str):
    (warning,) = variable_warnings({name: "s3cret", "HOME": "/root"}, Settings.model_fields)
    assert warning == f"{name} is no setting and is ignored. {nearest}"


def test_warnings_of_variables_are_logged_where_the_application_is_built(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("PBA_STORE_URI", "postgresql://u:s3cret@db/pba")
    monkeypatch.setattr(logging.getLogger("ray.serve"), "propagate", True)
    assert isinstance(app.build({}), Application)
    assert "Did you mean PBA_STORE_URL?" in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"grpc_port": "many"}, "grpc_port (PBA_GRPC_PORT) is 'many'; "),
        ({"retention_days": -1}, "retention_days (PBA_RETENTION_DAYS) is -1; "),
        ({"store_uri": "postgresql://u:s3cret@db/d"}, "store_uri is no setting. Did you mean sto"),
        ({"flags": {"shadow": "perhaps"}}, "shadow is 'perhaps'"),
    ],
)
def test_wrong_args_are_named_with_rule_and_remedy(args: dict[str, object], message: str):
    with pytest.raises(InvalidInput) as error:
        read_settings(args)
    assert message in str(error.value)
    assert "s3cret" not in str(error.value)


def test_all_wrong_args_are_in_one_message():
    with pytest.raises(InvalidInput, match=r"(?s)max_items.*\n.*grpc_port"):
        read_settings({"grpc_port": -1, "max_items": 0})


def test_a_variable_that_is_not_json_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PBA_FLAGS", "shadow=true")
    with pytest.raises(InvalidInput, match=r"flags.*Write JSON"):
        read_settings({})


def test_settings_that_are_printed_show_no_password():
    settings = read_settings({"store_url": "postgresql://u:s3cret@db/pba"})
    assert "s3cret" not in f"{settings} {settings!r}"


@pytest.mark.parametrize("host", ["::", "[::]"])
def test_an_ipv6_host_may_have_brackets(host: str):
    assert read_settings({"grpc_host": host}).grpc_host == "::"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"oidc_issuer": "https://issuer.example"}, "needs oidc_audience"),
        ({"oidc_audience": "pba"}, "need oidc_issuer"),
        ({"oidc_issuer": "http://issuer.example", "oidc_audience": "pba"}, "https"),
        ({**ISSUER, "oidc_jwks": "http://issuer.example/keys"}, "https"),
        ({**ISSUER, "oidc_algorithms": ["HS256"]}, "HS256"),
        ({**ISSUER, "oidc_algorithms": ["none"]}, "none"),
        ({**ISSUER, "oidc_roles": {"ops": "root"}}, "oidc_roles.ops"),
        ({"tls_identities": {"CN:a": {"role": "reader"}}}, "needs tls_client_ca"),
        ({"tls_identities": {"CN:a": {"role": "root"}}}, "tls_identities"),
        ({"tls_identities": {"CN:a": {"role": "reader", "links": ["*x"]}}}, "tls_identities"),
    ],
)
def test_settings_of_tokens_and_certificates_are_checked(args: dict[str, Any], message: str):
    with pytest.raises(InvalidInput, match=message):
        read_settings(args)
