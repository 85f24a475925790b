"""Versions are published whole, never change, and are checked when they are loaded."""

import hashlib
import json
from pathlib import Path

import pytest

from pba.errors import BadArtifact, Conflict, InvalidRequest, NotFound, PBAError
from pba.registry import Registry, files
from pba.registry.files import Files
from tests.registry.builders import MODE, NAME, champion, registry_file, version_names
from tests.toy import toy_artifact


def test_a_published_version_is_listed_and_loads(registry: Registry):
    assert registry.models() == [NAME]
    assert version_names(registry) == ["a", "b", "c"]
    (row, *_) = registry.versions(NAME)
    assert row == {"version": "a", "at": "2033-05-18T03:33:20Z", "who": "me"}
    forecaster, card = registry.load(NAME, "b")
    assert (forecaster.version, card["version"]) == ("b", "b")
    assert registry.verify(NAME, "b") == card == registry.card(NAME, "b")


def test_publishing_the_same_files_again_changes_nothing(registry: Registry, tmp_path: Path):
    before = registry_file(registry, "a/manifest.json").stat()
    assert registry.publish(str(tmp_path / "trained" / "a"), "you").who == "me"
    assert registry_file(registry, "a/manifest.json").stat() == before


def test_other_files_under_a_published_version_are_refused(registry: Registry, tmp_path: Path):
    other = toy_artifact(tmp_path / "other", MODE, "a", peak=0.5)
    with pytest.raises(Conflict, match="published already"):
        registry.publish(str(other), "me")
    registry.verify(NAME, "a")


def test_keras_weights_and_the_printed_card_are_published_and_checked(
    registry: Registry, tmp_path: Path
):
    folder = toy_artifact(tmp_path / "whole", MODE, "whole")
    for name in ("internet_model.keras", "card.md", "history.png"):
        (folder / name).write_text(name)
    manifest = registry.publish(str(folder), "me")
    assert set(manifest.files) == {
        "internet_bandwidth_predictor.onnx",
        "internet_model.keras",
        "card.json",
        "card.md",
        "golden.json",
    }
    registry_file(registry, "whole/internet_model.keras").write_text("changed")
    registry.load(NAME, "whole")
    with pytest.raises(BadArtifact, match="internet_model.keras in the registry was altered"):
        registry.verify(NAME, "whole")


@pytest.mark.parametrize(
    ("name", "text"),
    [("card.json", "{"), ("card.json", "{}"), ("golden.json", "[]"), ("card.json", '{"mode": 7}')],
)
def test_a_model_that_must_not_be_served_is_not_published(
    registry: Registry, tmp_path: Path, name: str, text: str
):
    folder = toy_artifact(tmp_path / "bad", MODE, "bad")
    (folder / name).write_text(text)
    with pytest.raises(PBAError):
        registry.publish(str(folder), "me")
    assert version_names(registry) == ["a", "b", "c"]


def test_a_folder_without_a_model_is_not_published(registry: Registry, tmp_path: Path):
    with pytest.raises(BadArtifact, match="card.json below"):
        registry.publish(str(tmp_path), "me")
    folder = toy_artifact(tmp_path / "part", MODE, "part")
    (folder / "internet_bandwidth_predictor.onnx").unlink()
    with pytest.raises(BadArtifact, match="not a whole model"):
        registry.publish(str(folder), "me")


@pytest.mark.parametrize(
    "version", ["", "../a", "a/b", ".a", "champion", "shipped", "a" * 101, "?"]
)
def test_names_that_could_be_paths_are_refused(registry: Registry, tmp_path: Path, version: str):
    folder = toy_artifact(tmp_path / "odd", MODE, version)
    with pytest.raises(InvalidRequest, match="version is"):
        registry.publish(str(folder), "me")
    with pytest.raises(InvalidRequest, match="version is"):
        registry.promote(NAME, version, "me")
    with pytest.raises(InvalidRequest, match="model is"):
        registry.champion(version)


def test_a_version_whose_publishing_was_interrupted_does_not_exist_and_can_be_finished(
    registry: Registry, tmp_path: Path
):
    registry_file(registry, "b/manifest.json").unlink()
    registry_file(registry, "b/card.json").write_text("{")
    assert version_names(registry) == ["a", "c"]
    with pytest.raises(NotFound, match="no version 'b' of internet is published"):
        registry.promote(NAME, "b", "me")
    registry.publish(str(tmp_path / "trained" / "b"), "me")
    registry.verify(NAME, "b")


@pytest.mark.parametrize("name", ["internet_bandwidth_predictor.onnx", "card.json", "golden.json"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_truncated_or_missing_file_is_refused_and_the_champion_stays(
    registry: Registry, name: str, damage: str
):
    registry.promote(NAME, "a", "me")
    path = registry_file(registry, f"b/{name}")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        path.unlink()
    with pytest.raises(BadArtifact, match=f"{name} in the registry was altered"):
        registry.promote(NAME, "b", "me")
    assert champion(registry) == (1, "a")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"model": "internet"}', '{"files": {}}', "null"]
)
def test_an_unreadable_manifest_is_refused_and_listed_as_such(registry: Registry, text: str):
    registry_file(registry, "b/manifest.json").write_text(text)
    with pytest.raises(BadArtifact, match=r"b/manifest.json in the registry was altered"):
        registry.load(NAME, "b")
    assert version_names(registry) == ["b", "a", "c"]
    assert "altered" in registry.versions(NAME)[0]["refused"]


def test_a_manifest_of_another_version_is_refused(registry: Registry):
    other = json.loads(registry_file(registry, "a/manifest.json").read_text())
    for change in ({}, {"version": "b", "at_s": "noon"}, {"version": "b", "who": None}):
        registry_file(registry, "b/manifest.json").write_text(json.dumps(other | change))
        with pytest.raises(BadArtifact, match="was altered"):
            registry.load(NAME, "b")


def test_an_invalid_card_is_refused_even_if_its_sum_is_right(registry: Registry):
    registry_file(registry, "a/card.json").write_text("[]")
    path = registry_file(registry, "a/manifest.json")
    manifest = json.loads(path.read_text())
    manifest["files"]["card.json"] = hashlib.sha256(b"[]").hexdigest()
    path.write_text(json.dumps(manifest))
    for call in (registry.card, registry.load):
        with pytest.raises(BadArtifact):
            call(NAME, "a")


def test_a_version_copied_under_another_name_is_refused(registry: Registry):
    Path(registry.root, NAME, "b").rename(Path(registry.root, NAME, "d"))
    path = registry_file(registry, "d/manifest.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": "d"}))
    with pytest.raises(BadArtifact, match="its model calls itself b"):
        registry.verify(NAME, "d")


@pytest.mark.parametrize(
    "name",
    ["../a/card.json", "/etc/passwd", "..", "a/b", "", ".hidden", "a\nb", "C:\\x", "x" * 201],
)
def test_a_manifest_that_names_a_file_elsewhere_is_refused_before_it_is_read(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, name: str
):
    path = registry_file(registry, "b/manifest.json")
    manifest = json.loads(path.read_text())
    manifest["files"][name] = hashlib.sha256(b"").hexdigest()
    path.write_text(json.dumps(manifest))
    read: list[str] = []
    original = Files.read
    monkeypatch.setattr(
        Files, "read", lambda self, file: (read.append(file), original(self, file))[1]
    )
    for call in (registry.verify, registry.load):
        with pytest.raises(BadArtifact, match="no file of its own folder"):
            call(NAME, "b")
    assert set(read) == {"internet/b/manifest.json"}


def test_a_file_that_is_far_too_large_is_not_read_to_its_end(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(files, "MAX_BYTES", 10_000)
    with pytest.raises(BadArtifact, match="has more than 10000 bytes"):
        registry.load(NAME, "b")
