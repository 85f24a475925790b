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


def test_a_checkout_is_known_by_its_project_file(tmp_path: Path):
    assert project._checkout(tmp_path / "site-packages" / "pba") is None
    assert project._checkout(PROJECT / "pba") == PROJECT


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let the library be an installed one that is called in an empty folder; return the folder."""
    monkeypatch.setattr(project, "_CHECKOUT", None)
    monkeypatch.setattr(project, "_PROJECT", tmp_path)
    monkeypatch.setattr(project, "SHIPPED_MODELS", Path("/site-packages/pba/shipped_models"))
    return tmp_path


def test_models_are_the_shipped_ones_where_there_are_no_others(installed: Path):
    assert project.resolve("models/v1") == "/site-packages/pba/shipped_models/v1"
    own = installed / "models/v1"
    own.mkdir(parents=True)
    assert project.resolve("models/v1") == str(own)
    assert project.resolve("data/pba.db") == str(installed / "data/pba.db")


def test_packages_have_the_names_of_a_wheel_where_they_are_installed(installed: Path):
    assert [project.package_name(name) for name in ("deployments", "train")] == [
        "pba_serve",
        "pba_train",
    ]
