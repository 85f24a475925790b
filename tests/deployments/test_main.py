"""`python -m deployments` as far as it goes before Ray starts."""

import copy
import socket
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from deployments.__main__ import main
from tests.support.ports import own_port

PROJECT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((PROJECT / "serve_config.yaml").read_text())


def run(path: Path, *options: str) -> str:
    """Return what is shown of a start that fails at once."""
    app = typer.Typer()
    app.command()(main)
    result = CliRunner().invoke(app, [str(path), *options], env={"COLUMNS": "500"})
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return " ".join(result.output.replace("│", " ").split())


@pytest.fixture
def config() -> dict[str, Any]:
    content: dict[str, Any] = copy.deepcopy(CONFIG)
    content["http_options"]["port"] = 0  # any that is free
    content["applications"][0]["args"] = {"grpc_port": 0}
    return content


def write(folder: Path, content: object) -> Path:
    path = folder / "serve.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.parametrize("kind", ["http", "grpc"])
@pytest.mark.parametrize(
    ("host", "shown", "family"),
    [
        ("127.0.0.1", "127.0.0.1", socket.AF_INET),
        ("::1", "[::1]", socket.AF_INET6),
        ("[::1]", "[::1]", socket.AF_INET6),
    ],
)
def test_a_taken_port_is_one_clear_message(
    tmp_path: Path,
    config: dict[str, Any],
    kind: str,
    host: str,
    shown: str,
    family: socket.AddressFamily,
):
    with socket.socket(family) as taken:
        taken.bind((host.strip("[]"), 0))
        taken.listen()
        port = taken.getsockname()[1]
        if kind == "http":
            config["http_options"] |= {"host": host, "port": port}
        else:
            config["applications"][0]["args"] |= {"grpc_host": host, "grpc_port": port}
        output = run(write(tmp_path, config))
    assert f"{shown}:{port} is taken" in output
    assert ("PBA_GRPC_PORT" if kind == "grpc" else "port under http_options") in output


@pytest.mark.parametrize("kind", ["http", "grpc"])
def test_without_a_key_it_does_not_start_where_others_reach_it(
    tmp_path: Path, config: dict[str, Any], kind: str
):
    config["applications"][0]["args"]["store_url"] = f"sqlite:///{tmp_path}/pba.db"
    if kind == "http":
        config["http_options"]["host"] = "0.0.0.0"
    else:
        with own_port() as port:
            config["applications"][0]["args"] |= {"grpc_host": "0.0.0.0", "grpc_port": port}
    output = run(write(tmp_path, config))
    assert "other machines reach 0.0.0.0, and the service has no key" in output
    assert "pba keys create --role admin" in output


def test_wrong_settings_are_named(tmp_path: Path, config: dict[str, Any]):
    config["applications"][0]["args"]["retention_days"] = -1
    output = run(write(tmp_path, config))
    assert "retention_days" in output
    assert "greater than 0" in output


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ({"store_url": "postgresql://u:s3cret@db:port/d"}, "port that is not a number"),
        ({"store_url": "postgresql://u:ab@s3cret@db/d"}, "write it as %40"),
        ({"stoer_url": "postgresql://u:s3cret@db/d"}, "Did you mean store_url?"),
    ],
)
def test_a_store_that_can_never_work_ends_the_start_without_showing_its_password(
    tmp_path: Path, config: dict[str, Any], args: dict[str, Any], why: str
):
    config["applications"][0]["args"] |= args
    output = run(write(tmp_path, config))
    assert why in output
    assert "s3cret" not in output


def test_a_host_that_is_not_of_this_machine_is_named(tmp_path: Path, config: dict[str, Any]):
    config["http_options"]["host"] = "no such host"
    assert "'no such host' is no address of this machine" in run(write(tmp_path, config))


@pytest.mark.parametrize("content", [5, {}, {"applications": []}])
def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path, content: object):
    assert "needs http_options and an application" in run(write(tmp_path, content))


def test_a_missing_file_is_refused(tmp_path: Path):
    assert "does not exist" in run(tmp_path / "nothing.yaml")


def test_a_log_that_cannot_be_written_is_refused(tmp_path: Path, config: dict[str, Any]):
    path = write(tmp_path, config)
    assert "the log cannot be written" in run(path, "--log", f"{path}/log")


@pytest.fixture
def _settings_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put back afterwards what ``--secure`` sets."""
    for name in ("PBA_TLS_CERT", "PBA_TLS_KEY", "PBA_KEYS_FILE"):
        monkeypatch.setenv(name, "")


@pytest.mark.usefixtures("_settings_of_its_own")
def test_a_secure_service_needs_haproxy(tmp_path: Path, config: dict[str, Any]):
    path = write(tmp_path, config)
    output = run(path, "--plain", "--secure", str(tmp_path / "secure"))
    assert "HAProxy encrypts HTTP: leave out --plain" in output
    assert (tmp_path / "secure/keys.json").exists()


@pytest.mark.usefixtures("_settings_of_its_own")
def test_a_folder_of_certificates_that_cannot_be_written_is_named(
    tmp_path: Path, config: dict[str, Any]
):
    path = write(tmp_path, config)
    assert f"--secure {path}" in run(path, "--secure", str(path))
