"""Where relative paths start, for the service and for every command."""

from pathlib import Path

import pytest

from pba import project
from pba.store.url import url_without_password

PROJECT = Path(__file__).parents[1]


def test_relative_paths_start_at_the_checkout_wherever_the_process_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    assert project.resolve("models/internet") == str(PROJECT / "models/internet")
    assert url_without_password("sqlite:///data/pba.db") == f"sqlite:///{PROJECT}/data/pba.db"


@pytest.mark.parametrize("uri", ["/models", "s3://bucket/models"])
def test_absolute_paths_and_urls_stay(uri: str):
    assert project.resolve(uri) == uri


def test_an_installed_packages_paths_start_at_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    assert project._project(tmp_path / "site-packages" / "pba") == tmp_path
    assert project._project(PROJECT / "pba") == PROJECT
