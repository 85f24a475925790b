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
def test_a_taken_port_is_one_clear_message(tmp_path: Path, config: dict[str, Any], kind: str):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        if kind == "http":
            config["http_options"]["port"] = port
        else:
            config["applications"][0]["args"]["grpc_port"] = port
        output = run(write(tmp_path, config))
    assert f"127.0.0.1:{port} is taken" in output
    assert ("PBA_GRPC_PORT" if kind == "grpc" else "port under http_options") in output


def test_wrong_settings_are_named(tmp_path: Path, config: dict[str, Any]):
    config["applications"][0]["args"]["retention_days"] = -1
    output = run(write(tmp_path, config))
    assert "retention_days" in output
    assert "greater than 0" in output


@pytest.mark.parametrize("content", [5, {}, {"applications": []}])
def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path, content: object):
    assert "needs http_options and an application" in run(write(tmp_path, content))


def test_a_missing_file_is_refused(tmp_path: Path):
    assert "does not exist" in run(tmp_path / "nothing.yaml")


def test_a_log_that_cannot_be_written_is_refused(tmp_path: Path, config: dict[str, Any]):
    path = write(tmp_path, config)
    assert "the log cannot be written" in run(path, "--log", f"{path}/log")
