"""Which configuration is deployed, and by which names it is found."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner

from deployments import config_file
from deployments.__main__ import main
from pba import project

PROJECT = Path(__file__).parents[2]
SHIPPED = PROJECT / "serve_config.yaml"
INSTALLATION = PROJECT / "docs/installation.md"


def test_a_configuration_of_the_working_directory_goes_before_the_shipped_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    assert config_file.default_config() == SHIPPED
    (tmp_path / "serve_config.yaml").write_text("http_options: {}")
    assert config_file.default_config().resolve() == tmp_path / "serve_config.yaml"


def test_an_installed_package_has_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch):
    assert config_file.read_config(SHIPPED) == SHIPPED.read_text()
    monkeypatch.setattr(project, "_CHECKOUT", None)
    application = yaml.safe_load(config_file.read_config(SHIPPED))["applications"][0]
    expected = yaml.safe_load(SHIPPED.read_text())["applications"][0]
    expected["import_path"] = "pba_serve.app:build"
    for deployment in expected["deployments"]:
        if policy := deployment.get("autoscaling_config", {}).get("policy"):
            module, _, function = policy["policy_function"].partition(":")
            assert module == "deployments.replicas.autoscaling"
            policy["policy_function"] = f"pba_serve.replicas.autoscaling:{function}"
    assert application == expected


def test_another_host_is_written_and_the_rest_stays(tmp_path: Path):
    written = yaml.safe_load(config_file.write_config(SHIPPED, tmp_path, "::1").read_text())
    assert written["http_options"].pop("host") == "::1"
    content = yaml.safe_load(SHIPPED.read_text())
    assert content["http_options"].pop("host") == "127.0.0.1"
    assert written == content


def test_what_would_be_deployed_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(main)
    assert CliRunner().invoke(app, ["--show"]).stdout == SHIPPED.read_text()


def test_the_command_of_the_docs_writes_the_shipped_configuration(tmp_path: Path):
    command = f"{sys.executable} -m deployments --show > serve_config.yaml"
    assert "pba serve --show > serve_config.yaml" in INSTALLATION.read_text()
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    subprocess.run(command, shell=True, cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "serve_config.yaml").read_text() == SHIPPED.read_text()
