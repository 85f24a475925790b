"""`pba models` over a registry and a store in a folder."""

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
        "COLUMNS": "80",
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


def test_the_champion_is_marked_in_the_list(published: Run):
    assert "b is champion of internet (number 1)" in published("promote", "internet", "b").stdout
    lines = published("list").stdout.splitlines()
    rows = [line.split() for line in lines if "internet" in line]
    assert [row[0] == "*" for row in rows] == [False, True]
    assert published("list", "internet").stdout.splitlines() == lines
    assert max(map(len, lines)) <= 80


def test_the_list_is_json_on_request(published: Run):
    published("promote", "internet", "b")
    rows = json.loads(published("list", "--json").stdout)
    assert [(row["model"], row["version"], row["champion"]) for row in rows] == [
        ("internet", "a", False),
        ("internet", "b", True),
    ]


def test_an_empty_registry_says_what_to_do(run: Run):
    result = run("list")
    assert result.exit_code == 0
    assert "Next: pba models publish" in result.stdout


def test_publishing_says_how_to_promote(run: Run, tmp_path: Path):
    folder = toy_artifact(tmp_path / "a", NetworkMode.INTERNET, "a")
    assert "Next: pba models promote internet a" in run("publish", str(folder)).stdout


def test_a_card_and_a_history_are_shown(published: Run):
    published("promote", "internet", "a", "--who", "me", "--why", "first")
    assert json.loads(published("show", "internet", "b").stdout)["version"] == "b"
    (pointer,) = json.loads(published("show", "internet").stdout)
    assert (pointer["version"], pointer["who"], pointer["why"]) == ("a", "local", "first")


def test_verify_says_that_a_version_is_intact_or_why_not(published: Run, tmp_path: Path):
    assert "a is intact" in published("verify", "internet", "a").stdout
    path = tmp_path / "registry" / "internet" / "a" / "internet_bandwidth_predictor.onnx"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadArtifact, match="sha256"):
        published("verify", "internet", "a")


def test_a_version_that_cannot_be_served_is_listed_with_the_reason(published: Run, tmp_path: Path):
    manifest = tmp_path / "registry" / "internet" / "a" / "manifest.json"
    assert manifest.is_file()
    manifest.write_text("{")
    lines = published("list").stdout
    assert "internet a cannot be served: " in lines


def test_changes_are_events_and_a_stale_one_is_refused(published: Run, tmp_path: Path):
    published("promote", "internet", "a", "--expected", "0")
    published("promote", "internet", "b", "--expected", "a")
    with pytest.raises(Conflict):
        published("rollback", "internet", "--expected", "1")
    assert "a is champion" in published("rollback", "internet", "--expected", "2").stdout
    store = Store(f"sqlite:///{tmp_path}/pba.db", lambda: 2e9)
    kinds = [event.kind for event in store.events()]
    recorded = [(row.action, row.who, "@" in str(row.on_behalf_of)) for row in store.audit.rows()]
    store.close()
    assert recorded == [
        ("model_rolled_back", "local", True),
        ("model_promoted", "local", True),
        ("model_promoted", "local", True),
    ]
    assert kinds == ["model_rolled_back", "model_refused", "model_promoted", "model_promoted"]


def test_a_champion_changes_though_the_store_is_unavailable(published: Run, tmp_path: Path):
    (tmp_path / "broken.db").write_text("no database, " * 100)
    url = f"sqlite:///{tmp_path}/broken.db"
    result = published("promote", "internet", "a", "--store", url)
    assert "a is champion" in result.stdout
    assert "model_promoted is not in event log and audit" in result.stderr
