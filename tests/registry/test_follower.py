"""A follower returns the champion, or the shipped model, whenever it changes."""

from pathlib import Path

import numpy as np
import pytest

from pba.errors import BadArtifact, RegistryUnavailable
from pba.models.onnx_session import SessionSettings
from pba.registry import Registry
from pba.registry.follower import Follower, LoadedModel, RefusedModel, load_shipped
from tests.registry.builders import MODE, NAME
from tests.toy import toy_artifact

TWO_THREADS = SessionSettings(threads=2)


@pytest.fixture
def shipped(tmp_path: Path) -> str:
    return str(toy_artifact(tmp_path / "shipped", MODE, "toy-1"))


@pytest.fixture
def follower(registry: Registry) -> Follower:
    return Follower(registry, NAME)


def version(model: LoadedModel | RefusedModel | None) -> str:
    assert isinstance(model, LoadedModel)
    return model.forecaster.version


def test_without_a_champion_the_shipped_model_serves(follower: Follower, shipped: str):
    model = follower.poll(shipped)
    assert version(model) == "toy-1"
    assert model.pointer.number == 0
    assert follower.poll(shipped) is None


def test_a_champion_that_exists_at_the_start_is_returned(registry: Registry, shipped: str):
    registry.promote(NAME, "a", "me")
    assert version(Follower(registry, NAME).poll(shipped)) == "a"


def test_each_new_champion_is_returned_once(registry: Registry, follower: Follower, shipped: str):
    follower.poll(shipped)
    for name in "abc":
        registry.promote(NAME, name, "me")
        assert version(follower.poll(shipped)) == name
        assert follower.poll(shipped) is None
    registry.rollback(NAME, "me")
    assert version(follower.poll(shipped)) == "b"


def test_of_several_new_champions_the_newest_is_returned(
    registry: Registry, follower: Follower, shipped: str
):
    follower.poll(shipped)
    for name in "abc":
        registry.promote(NAME, name, "me")
    model = follower.poll(shipped)
    assert (version(model), model.pointer.number) == ("c", 3)


def test_a_rollback_of_the_first_promotion_returns_the_shipped_model(
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


def test_an_invalid_champion_is_refused_once_and_retried_when_promoted_again(
    registry: Registry, follower: Follower, shipped: str
):
    follower.poll(shipped)
    registry.promote(NAME, "a", "me")
    golden = Path(registry.root, NAME, "a", "golden.json")
    content = golden.read_bytes()
    golden.write_bytes(content[:-1])
    model = follower.poll(shipped)
    assert isinstance(model, RefusedModel)
    assert (model.pointer.version, "golden.json" in model.why) == ("a", True)
    assert follower.poll(shipped) is None
    golden.write_bytes(content)
    assert follower.poll(shipped) is None
    registry.promote(NAME, "a", "me")
    assert version(follower.poll(shipped)) == "a"


def test_a_pointer_to_a_missing_version_is_refused(
    registry: Registry, follower: Follower, shipped: str
):
    registry.promote(NAME, "a", "me")
    Path(registry.root, NAME, "a").rename(Path(registry.root, "elsewhere"))
    model = follower.poll(shipped)
    assert isinstance(model, RefusedModel)
    assert "no version 'a' of internet is published" in model.why


def test_an_invalid_pointer_is_refused_and_named(
    registry: Registry, follower: Follower, shipped: str
):
    registry.promote(NAME, "a", "me")
    Path(registry.root, NAME, "champion", "00000001.json").write_text("{")
    model = follower.poll(shipped)
    assert isinstance(model, RefusedModel)
    assert "00000001.json cannot be read" in model.why


def test_a_rollback_from_a_refused_champion_keeps_the_loaded_model(
    registry: Registry, follower: Follower, shipped: str
):
    registry.promote(NAME, "a", "me")
    before = follower.poll(shipped)
    registry.promote(NAME, "b", "me")
    Path(registry.root, NAME, "b", "card.json").unlink()
    assert isinstance(follower.poll(shipped), RefusedModel)
    registry.rollback(NAME, "me")
    assert follower.poll(shipped).forecaster is before.forecaster


def test_a_registry_that_does_not_respond_is_polled_again(
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


def test_a_version_that_could_not_be_read_is_loaded_by_the_next_poll(
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


def test_an_emptied_registry_changes_nothing(registry: Registry, follower: Follower, shipped: str):
    registry.promote(NAME, "a", "me")
    follower.poll(shipped)
    Path(registry.root).rename(Path(registry.root).with_name("unmounted"))
    assert follower.poll(shipped) is None


def test_another_shipped_folder_matters_only_without_a_champion(
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


def test_another_number_of_threads_loads_the_champion_again(
    registry: Registry, follower: Follower, shipped: str
):
    registry.promote(NAME, "a", "me")
    one, two = follower.poll(shipped), follower.poll(shipped, TWO_THREADS)
    assert one.forecaster is not two.forecaster
    assert follower.poll(shipped, TWO_THREADS) is None
    windows = np.full((1, 60, 5), 7.0)
    outputs = [model.forecaster.predict(windows).probabilities for model in (one, two)]
    np.testing.assert_allclose(*outputs, rtol=1e-5)


def test_the_shipped_model_loads_without_the_registry(shipped: str, tmp_path: Path):
    assert version(load_shipped(shipped, NAME)) == "toy-1"
    with pytest.raises(BadArtifact):
        load_shipped(str(tmp_path / "nowhere"), NAME)
