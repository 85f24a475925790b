"""What a replica is to serve: the champion, the shipped model, or what it serves already."""

from pathlib import Path

import numpy as np
import pytest

from pba.errors import BadArtifact, RegistryUnavailable
from pba.registry import Registry
from pba.registry.follower import Follower, LoadedModel, RefusedModel, load_shipped
from tests.registry.test_registry import MODE, NAME, NOW_S, toys
from tests.toy import toy_artifact


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    opened = Registry(str(tmp_path / "registry"), lambda: NOW_S)
    toys(tmp_path / "trained", opened, "a", "b", "c")
    return opened


@pytest.fixture
def shipped(tmp_path: Path) -> str:
    return str(toy_artifact(tmp_path / "shipped", MODE, "toy-1"))


@pytest.fixture
def follower(registry: Registry) -> Follower:
    return Follower(registry, NAME)


def version(found: LoadedModel | RefusedModel | None) -> str:
    assert isinstance(found, LoadedModel)
    return found.forecaster.version


def test_without_a_champion_the_shipped_model_serves(follower: Follower, shipped: str):
    found = follower.poll(shipped)
    assert version(found) == "toy-1"
    assert found.pointer.number == 0
    assert follower.poll(shipped) is None


def test_a_champion_there_at_the_start_serves(registry: Registry, shipped: str):
    registry.promote(NAME, "a", "me")
    assert version(Follower(registry, NAME).poll(shipped)) == "a"


def test_each_new_champion_is_taken_up_once(registry: Registry, follower: Follower, shipped: str):
    follower.poll(shipped)
    for name in "abc":
        registry.promote(NAME, name, "me")
        assert version(follower.poll(shipped)) == name
        assert follower.poll(shipped) is None
    registry.rollback(NAME, "me")
    assert version(follower.poll(shipped)) == "b"


def test_of_several_new_champions_the_newest_is_taken_up(
    registry: Registry, follower: Follower, shipped: str
):
    follower.poll(shipped)
    for name in "abc":
        registry.promote(NAME, name, "me")
    found = follower.poll(shipped)
    assert (version(found), found.pointer.number) == ("c", 3)


def test_a_rollback_past_the_first_promotion_brings_the_shipped_model_back(
    registry: Registry, follower: Follower, shipped: str
):
    registry.promote(NAME, "a", "me")
    follower.poll(shipped)
    registry.rollback(NAME, "me")
    assert version(follower.poll(shipped)) == "toy-1"


def test_a_champion_promoted_again_is_not_loaded_again(
    registry: Registry, follower: Follower, shipped: str
):
    registry.promote(NAME, "a", "me")
    before = follower.poll(shipped)
    registry.promote(NAME, "a", "me")
    after = follower.poll(shipped)
    assert after.forecaster is before.forecaster
    assert after.pointer.number == 2


def test_a_bad_champion_is_refused_once_and_tried_again_when_promoted_again(
    registry: Registry, follower: Follower, shipped: str
):
    follower.poll(shipped)
    registry.promote(NAME, "a", "me")
    golden = Path(registry.root, NAME, "a", "golden.json")
    content = golden.read_bytes()
    golden.write_bytes(content[:-1])
    found = follower.poll(shipped)
    assert isinstance(found, RefusedModel)
    assert (found.pointer.version, "golden.json" in found.why) == ("a", True)
    assert follower.poll(shipped) is None
    golden.write_bytes(content)
    assert follower.poll(shipped) is None
    registry.promote(NAME, "a", "me")
    assert version(follower.poll(shipped)) == "a"


def test_a_pointer_to_nothing_is_refused(registry: Registry, follower: Follower, shipped: str):
    registry.promote(NAME, "a", "me")
    Path(registry.root, NAME, "a").rename(Path(registry.root, "elsewhere"))
    found = follower.poll(shipped)
    assert isinstance(found, RefusedModel)
    assert "no version 'a' of internet is published" in found.why


def test_half_a_pointer_is_refused_and_says_which(
    registry: Registry, follower: Follower, shipped: str
):
    registry.promote(NAME, "a", "me")
    Path(registry.root, NAME, "champion", "00000001.json").write_text("{")
    found = follower.poll(shipped)
    assert isinstance(found, RefusedModel)
    assert "00000001.json cannot be read" in found.why


def test_a_champion_before_the_refused_one_serves_when_one_goes_back(
    registry: Registry, follower: Follower, shipped: str
):
    registry.promote(NAME, "a", "me")
    before = follower.poll(shipped)
    registry.promote(NAME, "b", "me")
    Path(registry.root, NAME, "b", "card.json").unlink()
    assert isinstance(follower.poll(shipped), RefusedModel)
    registry.rollback(NAME, "me")
    assert follower.poll(shipped).forecaster is before.forecaster


def test_a_registry_that_is_away_is_asked_again(
    registry: Registry, follower: Follower, shipped: str
):
    registry.promote(NAME, "a", "me")
    root, aside = Path(registry.root), Path(registry.root).with_name("aside")
    root.rename(aside)
    root.write_text("no folder")
    for _ in range(2):
        with pytest.raises(RegistryUnavailable):
            follower.poll(shipped)
    root.unlink()
    aside.rename(root)
    assert version(follower.poll(shipped)) == "a"


def test_a_registry_that_goes_away_while_a_version_is_read_is_asked_again(
    registry: Registry, follower: Follower, shipped: str, monkeypatch: pytest.MonkeyPatch
):
    def away(*_: object) -> None:
        raise RegistryUnavailable("gone")

    registry.promote(NAME, "a", "me")
    with monkeypatch.context() as patch:
        patch.setattr(registry, "load", away)
        with pytest.raises(RegistryUnavailable):
            follower.poll(shipped)
    assert version(follower.poll(shipped)) == "a"


def test_a_registry_whose_content_is_gone_changes_nothing(
    registry: Registry, follower: Follower, shipped: str
):
    registry.promote(NAME, "a", "me")
    follower.poll(shipped)
    Path(registry.root).rename(Path(registry.root).with_name("unmounted"))
    assert follower.poll(shipped) is None


def test_another_folder_counts_where_no_champion_does(
    registry: Registry, follower: Follower, shipped: str, tmp_path: Path
):
    follower.poll(shipped)
    other = str(toy_artifact(tmp_path / "other", MODE, "toy-2"))
    assert version(follower.poll(other)) == "toy-2"
    registry.promote(NAME, "a", "me")
    champion = follower.poll(other)
    assert follower.poll(shipped).forecaster is champion.forecaster
    assert follower.poll(str(tmp_path / "nowhere")).forecaster is champion.forecaster
    registry.rollback(NAME, "me")
    assert isinstance(follower.poll(str(tmp_path / "nowhere")), RefusedModel)


def test_other_threads_load_the_champion_anew(registry: Registry, follower: Follower, shipped: str):
    registry.promote(NAME, "a", "me")
    one, two = follower.poll(shipped, 1), follower.poll(shipped, 2)
    assert one.forecaster is not two.forecaster
    assert follower.poll(shipped, 2) is None
    windows = np.full((1, 60, 5), 7.0)
    said = [found.forecaster.predict(windows).probabilities for found in (one, two)]
    np.testing.assert_allclose(*said, rtol=1e-5)


def test_the_shipped_model_can_be_had_without_the_registry(shipped: str, tmp_path: Path):
    assert version(load_shipped(shipped, NAME)) == "toy-1"
    with pytest.raises(BadArtifact):
        load_shipped(str(tmp_path / "nowhere"), NAME)
