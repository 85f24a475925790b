"""Where relative paths start."""

from pathlib import Path

import pytest

from deployments import paths

PROJECT = Path(__file__).parents[2]


def test_relative_paths_start_at_the_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    assert paths.resolve("models/internet") == str(PROJECT / "models/internet")
    assert paths.resolve_store("sqlite:///data/pba.db") == f"sqlite:///{PROJECT}/data/pba.db"


@pytest.mark.parametrize("uri", ["/models", "s3://bucket/models"])
def test_absolute_paths_and_urls_stay(uri: str):
    assert paths.resolve(uri) == uri


@pytest.mark.parametrize("url", ["sqlite:////data/pba.db", "postgresql://u@h/d"])
def test_other_stores_stay(url: str):
    assert paths.resolve_store(url) == url


def test_an_installed_packages_paths_start_at_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    assert paths._project(tmp_path / "site-packages" / "pba_serve") == tmp_path
    assert paths._project(PROJECT / "deployments") == PROJECT
