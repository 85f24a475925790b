"""Versions that never change, a champion that one promotion at a time replaces, and its history."""

import hashlib
import json
import multiprocessing
import threading
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from pba.errors import (
    BadArtifact,
    Conflict,
    InvalidRequest,
    NotFound,
    PBAError,
    RegistryUnavailable,
)
from pba.registry import NONE, Pointer, Registry
from pba.registry.files import Files
from pba.types import NetworkMode
from tests.toy import toy_artifact

MODE, NAME, NOW_S = NetworkMode.INTERNET, "internet", 2e9


def toys(folder: Path, registry: Registry, *versions: str) -> None:
    """Publish toy models of ``versions``, each of which answers otherwise."""
    for at, version in enumerate(versions):
        registry.publish(str(toy_artifact(folder / version, MODE, version, 0.1 * at)), "me")


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    opened = Registry(str(tmp_path / "registry"), lambda: NOW_S)
    toys(tmp_path / "trained", opened, "a", "b", "c")
    return opened


def versions(registry: Registry) -> list[str]:
    return [told["version"] for told in registry.versions(NAME)]


def file(registry: Registry, name: str) -> Path:
    found = Path(registry.root, NAME, name)
    assert found.exists()
    return found


def serves(registry: Registry) -> tuple[int, str]:
    now = registry.champion(NAME)
    return now.number, now.version


def test_a_published_version_is_listed_and_loads(registry: Registry):
    assert registry.models() == [NAME]
    assert versions(registry) == ["a", "b", "c"]
    (told, *_) = registry.versions(NAME)
    assert told == {"version": "a", "at": "2033-05-18T03:33:20Z", "who": "me"}
    forecaster, card = registry.load(NAME, "b")
    assert (forecaster.version, card["version"]) == ("b", "b")
    assert registry.verify(NAME, "b") == card == registry.card(NAME, "b")


def test_publishing_the_same_again_changes_nothing(registry: Registry, tmp_path: Path):
    before = file(registry, "a/manifest.json").stat()
    assert registry.publish(str(tmp_path / "trained" / "a"), "you").who == "me"
    assert file(registry, "a/manifest.json").stat() == before


def test_another_model_under_a_published_version_is_refused(registry: Registry, tmp_path: Path):
    other = toy_artifact(tmp_path / "other", MODE, "a", peak=0.5)
    with pytest.raises(Conflict, match="published already"):
        registry.publish(str(other), "me")
    registry.verify(NAME, "a")


def test_keras_weights_and_card_for_people_come_along_and_are_checked(
    registry: Registry, tmp_path: Path
):
    folder = toy_artifact(tmp_path / "whole", MODE, "whole")
    for name in ("internet_model.keras", "card.md", "history.png"):
        (folder / name).write_text(name)
    made = registry.publish(str(folder), "me")
    assert set(made.files) == {
        "internet_bandwidth_predictor.onnx",
        "internet_model.keras",
        "card.json",
        "card.md",
        "golden.json",
    }
    file(registry, "whole/internet_model.keras").write_text("changed")
    registry.load(NAME, "whole")
    with pytest.raises(BadArtifact, match="internet_model.keras in the registry was altered"):
        registry.verify(NAME, "whole")


@pytest.mark.parametrize(
    ("name", "text"),
    [("card.json", "{"), ("card.json", "{}"), ("golden.json", "[]"), ("card.json", '{"mode": 7}')],
)
def test_what_must_not_be_served_is_not_published(
    registry: Registry, tmp_path: Path, name: str, text: str
):
    folder = toy_artifact(tmp_path / "bad", MODE, "bad")
    (folder / name).write_text(text)
    with pytest.raises(PBAError):
        registry.publish(str(folder), "me")
    assert versions(registry) == ["a", "b", "c"]


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
def test_what_could_be_a_path_is_no_name(registry: Registry, tmp_path: Path, version: str):
    folder = toy_artifact(tmp_path / "odd", MODE, version)
    with pytest.raises(InvalidRequest, match="version is"):
        registry.publish(str(folder), "me")
    with pytest.raises(InvalidRequest, match="version is"):
        registry.promote(NAME, version, "me")
    with pytest.raises(InvalidRequest, match="model is"):
        registry.champion(version)


def test_a_version_whose_publishing_was_cut_off_does_not_exist_and_can_be_finished(
    registry: Registry, tmp_path: Path
):
    file(registry, "b/manifest.json").unlink()
    file(registry, "b/card.json").write_text("{")
    assert versions(registry) == ["a", "c"]
    with pytest.raises(NotFound, match="no version 'b' of internet is published"):
        registry.promote(NAME, "b", "me")
    registry.publish(str(tmp_path / "trained" / "b"), "me")
    registry.verify(NAME, "b")


@pytest.mark.parametrize("name", ["internet_bandwidth_predictor.onnx", "card.json", "golden.json"])
@pytest.mark.parametrize("harm", ["cut", "gone"])
def test_a_file_cut_short_or_gone_is_refused_and_the_champion_stays(
    registry: Registry, name: str, harm: str
):
    registry.promote(NAME, "a", "me")
    path = file(registry, f"b/{name}")
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        path.unlink()
    with pytest.raises(BadArtifact, match=f"{name} in the registry was altered"):
        registry.promote(NAME, "b", "me")
    assert serves(registry) == (1, "a")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"model": "internet"}', '{"files": {}}', "null"]
)
def test_a_manifest_that_cannot_be_read_is_refused_and_listed_as_such(
    registry: Registry, text: str
):
    file(registry, "b/manifest.json").write_text(text)
    with pytest.raises(BadArtifact, match=r"b/manifest.json in the registry was altered"):
        registry.load(NAME, "b")
    assert versions(registry) == ["b", "a", "c"]
    assert "altered" in registry.versions(NAME)[0]["refused"]


def test_a_manifest_of_another_version_is_refused(registry: Registry):
    other = json.loads(file(registry, "a/manifest.json").read_text())
    for change in ({}, {"version": "b", "at_s": "noon"}, {"version": "b", "who": None}):
        file(registry, "b/manifest.json").write_text(json.dumps(other | change))
        with pytest.raises(BadArtifact, match="was altered"):
            registry.load(NAME, "b")


def test_a_card_that_is_no_card_is_refused_whatever_the_manifest_says(registry: Registry):
    file(registry, "a/card.json").write_text("[]")
    path = file(registry, "a/manifest.json")
    manifest = json.loads(path.read_text())
    manifest["files"]["card.json"] = hashlib.sha256(b"[]").hexdigest()
    path.write_text(json.dumps(manifest))
    for ask in (registry.card, registry.load):
        with pytest.raises(BadArtifact):
            ask(NAME, "a")


def test_a_version_copied_under_another_name_is_refused(registry: Registry):
    Path(registry.root, NAME, "b").rename(Path(registry.root, NAME, "d"))
    path = file(registry, "d/manifest.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": "d"}))
    with pytest.raises(BadArtifact, match="its model calls itself b"):
        registry.verify(NAME, "d")


def test_a_model_that_nobody_promoted_has_the_shipped_one(registry: Registry):
    assert registry.champion(NAME) == registry.champion("v1") == NONE
    assert registry.history(NAME) == []
    assert NONE.as_dict()["at"] is None


def test_a_promotion_is_remembered_with_who_and_why(registry: Registry):
    registry.promote(NAME, "a", "me")
    made = registry.promote(NAME, "b", "you", "it is better", expected="a")
    assert made == Pointer(2, "b", "promoted", 1, NOW_S, "you", "it is better")
    assert registry.champion(NAME) == registry.champion(NAME, since=NONE) == made
    assert [pointer.version for pointer in registry.history(NAME)] == ["b", "a"]
    assert [pointer.version for pointer in registry.history(NAME, 1)] == ["b"]
    assert made.as_dict() == {
        "number": 2,
        "version": "b",
        "action": "promoted",
        "back": 1,
        "at": "2033-05-18T03:33:20Z",
        "who": "you",
        "why": "it is better",
    }


def test_a_rollback_goes_back_champion_by_champion_to_the_shipped_model(registry: Registry):
    for version in "abc":
        registry.promote(NAME, version, "me")
    went = [registry.rollback(NAME, "me").version for _ in range(3)]
    assert went == ["b", "a", "shipped"]
    with pytest.raises(Conflict, match="nothing to go back to"):
        registry.rollback(NAME, "me")
    assert serves(registry) == (6, "shipped")
    registry.promote(NAME, "c", "me")
    assert registry.rollback(NAME, "me").version == "shipped"


def test_after_a_rollback_and_a_promotion_one_goes_back_to_what_served_then(registry: Registry):
    for version in "ab":
        registry.promote(NAME, version, "me")
    registry.rollback(NAME, "me")
    registry.promote(NAME, "c", "me")
    assert [registry.rollback(NAME, "me").version for _ in range(2)] == ["a", "shipped"]


def test_promoting_the_champion_again_is_undone_as_one(registry: Registry):
    for version in "abb":
        registry.promote(NAME, version, "me")
    assert serves(registry) == (3, "b")
    assert registry.rollback(NAME, "me").version == "a"


def test_nobody_goes_back_to_a_version_that_is_broken_by_now(registry: Registry):
    for version in "ab":
        registry.promote(NAME, version, "me")
    file(registry, "a/golden.json").unlink()
    with pytest.raises(BadArtifact, match="golden.json"):
        registry.rollback(NAME, "me")
    assert serves(registry) == (2, "b")


@pytest.mark.parametrize("expected", [0, 2, "b", "shipped", "nothing"])
def test_a_champion_that_is_not_the_one_seen_is_left_alone(registry: Registry, expected: int | str):
    registry.promote(NAME, "a", "me", expected=0)
    with pytest.raises(Conflict, match="is a, number 1") as refused:
        registry.promote(NAME, "b", "me", expected=expected)
    assert refused.value.field == "expected"
    with pytest.raises(Conflict, match="is a, number 1"):
        registry.rollback(NAME, "me", expected=expected)
    assert serves(registry) == (1, "a")


@pytest.mark.parametrize("expected", [1, "a", None])
def test_the_champion_seen_is_replaced(registry: Registry, expected: int | str | None):
    registry.promote(NAME, "a", "me", expected="shipped")
    assert registry.promote(NAME, "b", "me", expected=expected).number == 2


def _promote(root: str, version: str, go: Callable[[], object], won: Callable[[str], None]) -> None:
    registry = Registry(root, lambda: NOW_S)
    before = registry.champion(NAME).number
    go()
    try:
        registry.promote(NAME, version, "me", expected=before)
        won(version)
    except Conflict:
        won("conflict")


def test_of_threads_that_promote_at_once_one_wins(registry: Registry):
    for number in range(1, 6):
        results: list[str] = []
        barrier = threading.Barrier(8)
        threads = [
            threading.Thread(
                target=_promote,
                args=(registry.root, "abcabcab"[at], barrier.wait, results.append),
            )
            for at in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (winner,) = [found for found in results if found != "conflict"]
        assert len(results) == 8
        assert serves(registry) == (number, winner)


def test_of_processes_that_promote_at_once_one_wins(registry: Registry):
    spawn = multiprocessing.get_context("spawn")
    barrier, results = spawn.Barrier(4), spawn.Queue()
    processes = [
        spawn.Process(target=_promote, args=(registry.root, "abca"[at], barrier.wait, results.put))
        for at in range(4)
    ]
    for process in processes:
        process.start()
    found = [results.get(timeout=40) for _ in processes]
    for process in processes:
        process.join()
    (winner,) = [one for one in found if one != "conflict"]
    assert serves(registry) == (1, winner)
    assert not list(Path(registry.root, NAME, "champion").glob(".*")), "drafts are cleared away"


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def altered(**changes: object) -> Callable[[Path], None]:
    def alter(path: Path) -> None:
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return alter


@pytest.mark.parametrize(
    "harm",
    [
        half,
        empty,
        altered(version="../b"),
        altered(version=7),
        altered(number=3),
        altered(back=2),
        altered(back="1"),
        altered(at_s="noon"),
        altered(at_s=1e30),
        altered(who=None),
        altered(action="stolen"),
    ],
)
def test_half_a_pointer_is_a_pointer_to_nothing_and_can_be_replaced(
    registry: Registry, harm: Callable[[Path], None]
):
    made = registry.promote(NAME, "a", "me")
    registry.promote(NAME, "b", "me")
    harm(file(registry, "champion/00000002.json"))
    now = registry.champion(NAME)
    assert (now.number, now.version, now.action) == (2, "?", "unreadable")
    assert "00000002.json cannot be read" in now.why
    assert registry.history(NAME) == [now, made]
    assert registry.promote(NAME, "c", "me", expected=2).number == 3
    assert registry.rollback(NAME, "me").version == "a"


def test_a_rollback_goes_past_half_a_pointer(registry: Registry):
    for version in "ab":
        registry.promote(NAME, version, "me")
    file(registry, "champion/00000002.json").write_text("")
    assert registry.rollback(NAME, "me").version == "a"


def test_strange_files_beside_the_pointers_are_no_pointers(registry: Registry):
    registry.promote(NAME, "a", "me")
    for name in ("00000009.json.tmp", ".00000009.json.aa", "9.json", "readme"):
        Path(registry.root, NAME, "champion", name).write_text("x")
    assert registry.promote(NAME, "b", "me").number == 2


def test_a_registry_may_lie_behind_an_fsspec_url(tmp_path: Path):
    registry = Registry("memory://models", lambda: NOW_S)
    toys(tmp_path, registry, "a", "b")
    registry.promote(NAME, "a", "me")
    registry.promote(NAME, "b", "me")
    assert (versions(registry), serves(registry)) == (["a", "b"], (2, "b"))
    assert registry.load(NAME, "b")[0].version == "b"
    assert registry.rollback(NAME, "me").version == "a"
    fsspec.filesystem("memory").rm("/models", recursive=True)
    assert registry.models() == []


def test_where_a_file_cannot_be_created_exclusively_nothing_is_written(tmp_path: Path):
    registry = Registry("ftp://nowhere.invalid/models", lambda: NOW_S)
    files = Files(registry.root)
    for change in (files.write, files.create):
        with pytest.raises(InvalidRequest, match="ftp cannot create a file only where there is no"):
            change("name", b"content")


@pytest.mark.parametrize("root", ["nowhere://models", "s3"])
def test_a_registry_that_does_not_answer_is_called_so(tmp_path: Path, root: str):
    if root == "s3":
        (tmp_path / "s3").write_text("a file where a folder should be")
        root = str(tmp_path / "s3")
    with pytest.raises(RegistryUnavailable, match="does not answer"):
        Registry(root, lambda: NOW_S).champion(NAME)


def test_no_listing_is_remembered_for_others_write_too(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
):
    given, open_url = [], fsspec.core.url_to_fs

    def recorded(root: str, **options: object) -> object:
        given.append(options)
        return open_url(root, **options)

    monkeypatch.setattr(fsspec.core, "url_to_fs", recorded)
    registry.champion(NAME)
    assert given
    assert all(options == {"use_listings_cache": False} for options in given)


class Lossy:
    """A store whose answers are lost after the deed, and which tries again by itself."""

    protocol = ("memory",)

    def __init__(self, found: bytes | None, lost: Exception) -> None:
        self.found, self.lost = found, lost

    def pipe_file(self, path: str, content: bytes, mode: str) -> None:
        if self.found is None and isinstance(self.lost, FileExistsError):
            self.found = content
        raise self.lost

    def cat_file(self, path: str) -> bytes:
        if self.found is None:
            raise FileNotFoundError(path)
        return self.found


def lossy(monkeypatch: pytest.MonkeyPatch, found: bytes | None, lost: Exception) -> Files:
    system = Lossy(found, lost)
    monkeypatch.setattr(fsspec.core, "url_to_fs", lambda root, **_: (system, root))
    return Files("memory://lossy")


def test_whose_answer_is_lost_looks_what_became_of_the_deed(monkeypatch: pytest.MonkeyPatch):
    assert lossy(monkeypatch, None, FileExistsError()).create("name", b"mine")
    assert lossy(monkeypatch, b"mine", TimeoutError()).create("name", b"mine")
    assert not lossy(monkeypatch, b"yours", TimeoutError()).create("name", b"mine")
    with pytest.raises(RegistryUnavailable):
        lossy(monkeypatch, None, TimeoutError()).create("name", b"mine")
