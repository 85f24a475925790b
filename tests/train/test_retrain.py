"""Retraining without training: what is too little, whom it promotes, what it tells of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from pba.errors import BadArtifact, Conflict, InvalidInput, NotEnoughData
from pba.registry import NONE, Registry
from pba.types import Event, NetworkMode
from pba.types.profile import PROFILES
from tests.toy import toy_artifact
from tests.train.test_training_mix import link
from train import retrain
from train.__main__ import app
from train.champion import Champion, find
from train.retrain import RetrainingRequest
from train.telemetry_slices import TimeCuts

INTERNET = NetworkMode.INTERNET
NOW_S = 1.9e9


def asked(tmp_path: Path, **changed: Any) -> RetrainingRequest:
    told: dict[str, Any] = {
        "mode": INTERNET,
        "export": tmp_path,
        "days": 30.0,
        "traces": None,
        "without": (),
        "shipped": tmp_path / "shipped",
        "output": tmp_path / "out",
        "windows": 1000,
        "replay": 0.5,
        "least_windows": 2000,
        "epochs": 1,
        "batch_size": 64,
        "learning_rate": 1e-3,
        "workers": 1,
        "patience": 3,
        "seed": 0,
        "resume": False,
    }
    return RetrainingRequest(**told | changed)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(str(tmp_path / "registry"), lambda: NOW_S)


@pytest.fixture
def champion(tmp_path: Path, registry: Registry) -> Champion:
    folder = toy_artifact(tmp_path / "shipped", INTERNET)
    (folder / "internet_model.keras").write_bytes(b"no network")
    return find(registry, INTERNET, folder)


def test_too_few_windows_are_told_with_how_many_are_missing(
    tmp_path: Path, champion: Champion
) -> None:
    links = [link(name, 1, 197) for name in "abc"]
    with pytest.raises(NotEnoughData) as raised:
        retrain._cuts(asked(tmp_path), links, champion, None)
    assert str(raised.value) == (
        "the store has 3 links with 411 windows in internet mode of the last 30 days; retraining "
        "needs 2000 windows. Wait, or raise --days."
    )


def test_no_telemetry_at_all_is_too_little(tmp_path: Path, champion: Champion) -> None:
    with pytest.raises(NotEnoughData, match="the store has 0 links with 0 windows in internet"):
        retrain._cuts(asked(tmp_path), [], champion, None)


def test_too_few_links_for_the_gate_are_told(tmp_path: Path, champion: Champion) -> None:
    links = [link(name, 5, 400) for name in "abcd"]
    with pytest.raises(NotEnoughData, match="4 internet links have a window .* needs 5 links"):
        retrain._cuts(asked(tmp_path), links, champion, None)
    more = [*links, link("e", 5, 400)]
    assert isinstance(retrain._cuts(asked(tmp_path), more, champion, None), TimeCuts)


def test_a_champion_that_has_seen_it_all_leaves_nothing_to_judge_on(
    tmp_path: Path, champion: Champion
) -> None:
    champion.card["retraining"] = {"cuts": {"gate_from_s": 5 * 86_400.0}}
    with pytest.raises(NotEnoughData, match="0 internet links have a window"):
        retrain._cuts(asked(tmp_path), [link(name, 5, 400) for name in "abcde"], champion, None)


@pytest.fixture
def told() -> list[Event]:
    return []


def run(
    tmp_path: Path,
    registry: Registry,
    told: list[Event],
    monkeypatch: pytest.MonkeyPatch,
    decision: str,
    meanwhile: Callable[[], object] = lambda: None,
) -> None:
    """Retrain, with a challenger from nowhere."""
    request = asked(tmp_path)

    def challenger(*_: Any) -> dict[str, Any]:
        retrain._note(
            request, find(registry, INTERNET, request.shipped), TimeCuts(1.0, 2.0, 3.0, 4.0)
        )
        registry.publish(str(toy_artifact(tmp_path / "new", INTERNET, "new-1")), "retrain")
        meanwhile()
        return {"version": "new-1", "gate": {"decision": decision, "reasons": ["why"]}}

    monkeypatch.setattr(retrain, "_challenger", challenger)
    retrain.retrain(request, registry, told.append, lambda: NOW_S, "")


@pytest.mark.usefixtures("champion")
def test_a_better_one_becomes_champion_and_it_is_told(
    tmp_path: Path, registry: Registry, told: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, registry, told, monkeypatch, "promote")
    assert registry.champion(INTERNET).version == "new-1"
    assert registry.champion(INTERNET).who == "retrain"
    assert [one.kind for one in told] == ["model_promoted", "retrained"]
    assert told[-1].body == {
        "model": "internet",
        "version": "new-1",
        "champion": "toy-1",
        "decision": "promote",
        "reasons": ["why"],
    }
    assert not asked(tmp_path).note.exists()


@pytest.mark.usefixtures("champion")
def test_a_refused_one_moves_no_pointer(
    tmp_path: Path, registry: Registry, told: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, registry, told, monkeypatch, "refuse")
    (event,) = told
    assert event.body["decision"] == "refuse"
    assert registry.champion(INTERNET) == NONE


@pytest.mark.usefixtures("champion")
def test_a_promotion_in_between_wins(
    tmp_path: Path, registry: Registry, told: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.publish(str(toy_artifact(tmp_path / "other", INTERNET, "other-1")), "somebody")

    def meanwhile() -> None:
        registry.promote(INTERNET, "other-1", "somebody")

    with pytest.raises(Conflict):
        run(tmp_path, registry, told, monkeypatch, "promote", meanwhile)
    assert [one.kind for one in told] == ["model_refused", "retrained"]
    assert told[1].body["decision"] == "refuse"
    assert registry.champion(INTERNET).version == "other-1"


@pytest.mark.parametrize("why", [NotEnoughData("too little"), ValueError()])
@pytest.mark.usefixtures("champion")
def test_one_that_fails_is_told_as_refused(
    tmp_path: Path,
    registry: Registry,
    told: list[Event],
    monkeypatch: pytest.MonkeyPatch,
    why: Exception,
) -> None:
    def challenger(*_: Any) -> None:
        raise why

    monkeypatch.setattr(retrain, "_challenger", challenger)
    with pytest.raises(type(why)):
        retrain.retrain(asked(tmp_path), registry, told.append, lambda: NOW_S, "")
    (event,) = told
    assert event.body == {
        "model": "internet",
        "version": None,
        "champion": "toy-1",
        "decision": "refuse",
        "reasons": [str(why) or "ValueError()"],
    }


@pytest.mark.tf
def test_a_champion_without_a_readable_network_is_nothing_to_train_on_from(
    champion: Champion,
) -> None:
    champion.card["columns_seen"] = [True] * 5
    with pytest.raises(BadArtifact, match="the Keras file of toy-1 is nothing to train on from"):
        champion.weights(PROFILES[INTERNET])


def test_a_shipped_model_without_a_keras_file_is_refused(
    tmp_path: Path, registry: Registry
) -> None:
    folder = toy_artifact(tmp_path / "bare", INTERNET)
    with pytest.raises(BadArtifact, match=r"internet_model.keras is not there"):
        find(registry, INTERNET, folder)


def test_the_registrys_champion_is_found_with_its_weights(
    tmp_path: Path, registry: Registry
) -> None:
    folder = toy_artifact(tmp_path / "new", INTERNET, "new-1")
    (folder / "internet_model.keras").write_bytes(b"weights")
    registry.publish(str(folder), "me")
    registry.promote(INTERNET, "new-1", "me")
    found = find(registry, INTERNET, tmp_path / "nowhere")
    assert (found.keras, found.forecaster.version) == (b"weights", "new-1")
    assert found.pointer.number == 1
    assert found.seen_until_s == -np.inf


def test_a_note_is_of_one_champion(tmp_path: Path, champion: Champion) -> None:
    cuts, request = TimeCuts(1.0, 2.0, 3.0, 4.0), asked(tmp_path)
    assert retrain._begun(request, champion) is None
    retrain._note(request, champion, cuts)
    assert retrain._begun(request, champion) == cuts
    other = toy_artifact(tmp_path / "shipped", INTERNET, "toy-2")
    later = find(Registry(str(tmp_path / "registry"), lambda: NOW_S), INTERNET, other)
    assert retrain._begun(request, later) is None


def test_a_retraining_is_of_one_mode() -> None:
    with pytest.raises(InvalidInput, match="--mode is both; a retraining is of one mode"):
        CliRunner().invoke(app, ["retrain", "--mode", "both"], catch_exceptions=False)
