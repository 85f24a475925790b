"""`pba models`, as operators type it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pba.cli import app
from pba.errors import BadArtifact, Conflict
from pba.store import Store
from pba.types import NetworkMode
from tests.toy import toy_artifact

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    variables = {
        "PBA_REGISTRY": str(tmp_path / "registry"),
        "PBA_STORE_URL": f"sqlite:///{tmp_path}/pba.db",
        "COLUMNS": "200",
    }

    def call(*words: str) -> Result:
        runner = CliRunner(env=variables)
        return runner.invoke(app, ["models", *words], catch_exceptions=False)

    return call


@pytest.fixture
def published(run: Run, tmp_path: Path) -> Run:
    for version, peak in (("a", 0.0), ("b", 0.1)):
        folder = toy_artifact(tmp_path / version, NetworkMode.INTERNET, version, peak)
        assert f"internet {version} is published" in run("publish", str(folder)).stdout
    return run


def test_what_is_promoted_is_marked_in_the_list(published: Run):
    assert "b is champion of internet (number 1)" in published("promote", "internet", "b").stdout
    rows = published("list").stdout.splitlines()
    assert [("*" in row) for row in rows if "internet" in row] == [False, True]
    assert published("list", "internet").stdout.splitlines() == rows


def test_an_empty_registry_has_an_empty_list(run: Run):
    told = run("list")
    assert (told.exit_code, "internet" in told.stdout) == (0, False)


def test_a_card_and_a_history_are_shown(published: Run):
    published("promote", "internet", "a", "--who", "me", "--why", "first")
    assert json.loads(published("show", "internet", "b").stdout)["version"] == "b"
    (told,) = json.loads(published("show", "internet").stdout)
    assert (told["version"], told["who"], told["why"]) == ("a", "me", "first")


def test_verify_says_that_a_version_is_whole_or_why_not(published: Run, tmp_path: Path):
    assert "a is whole" in published("verify", "internet", "a").stdout
    path = tmp_path / "registry" / "internet" / "a" / "internet_bandwidth_predictor.onnx"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadArtifact, match="sha256"):
        published("verify", "internet", "a")


def test_changes_are_events_and_a_stale_one_is_refused(published: Run, tmp_path: Path):
    published("promote", "internet", "a", "--expected", "0")
    published("promote", "internet", "b", "--expected", "a")
    with pytest.raises(Conflict):
        published("rollback", "internet", "--expected", "1")
    assert "a is champion" in published("rollback", "internet", "--expected", "2").stdout
    store = Store(f"sqlite:///{tmp_path}/pba.db", lambda: 2e9)
    kinds = [event.kind for event in store.events()]
    store.close()
    assert kinds == ["model_rolled_back", "model_refused", "model_promoted", "model_promoted"]


def test_a_store_that_is_away_does_not_keep_a_champion_from_being_changed(
    published: Run, tmp_path: Path
):
    (tmp_path / "broken.db").write_text("no database, " * 100)
    away = f"sqlite:///{tmp_path}/broken.db"
    told = published("promote", "internet", "a", "--store", away)
    assert "a is champion" in told.stdout
    assert "model_promoted is in no log of events" in told.stderr
