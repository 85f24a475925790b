"""Retraining without training: too little data, promotions, refusals, and the events."""

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
from train.champion import Champion, load_champion
from train.retrain import Collaborators
from train.retraining_cuts import choose_cuts, read_note, write_note
from train.retraining_request import FineTuning, MixSettings, RetrainingRequest
from train.set_selection import SetSelection
from train.telemetry_slices import TimeCuts

INTERNET = NetworkMode.INTERNET
NOW_S = 1.9e9


def example_request(tmp_path: Path, **changed: Any) -> RetrainingRequest:
    fine_tuning = FineTuning(
        epochs=1, patience=3, batch_size=64, learning_rate=1e-3, workers=1, seed=0
    )
    values: dict[str, Any] = {
        "mode": INTERNET,
        "days": 30.0,
        "traces": None,
        "selection": SetSelection(),
        "shipped": tmp_path / "shipped",
        "output": tmp_path / "out",
        "mix": MixSettings(windows=1000, replay=0.5, least_windows=2000),
        "fine_tuning": fine_tuning,
        "resume": False,
    }
    return RetrainingRequest(**values | changed)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(str(tmp_path / "registry"), lambda: NOW_S)


@pytest.fixture
def champion(tmp_path: Path, registry: Registry) -> Champion:
    folder = toy_artifact(tmp_path / "shipped", INTERNET)
    (folder / "internet_model.keras").write_bytes(b"no network")
    return load_champion(registry, INTERNET, folder)


def test_too_few_windows_are_refused_with_the_number_needed(
    tmp_path: Path, champion: Champion
) -> None:
    links = [link(name, 1, 197) for name in "abc"]
    with pytest.raises(NotEnoughData) as raised:
        choose_cuts(example_request(tmp_path), links, champion)
    assert str(raised.value) == (
        "the store has 3 links with 411 windows in internet mode of the last 30 days; retraining "
        "needs 2000 windows. Wait, or raise --days."
    )


def test_no_telemetry_at_all_is_refused(tmp_path: Path, champion: Champion) -> None:
    with pytest.raises(NotEnoughData, match="the store has 0 links with 0 windows in internet"):
        choose_cuts(example_request(tmp_path), [], champion)


def test_too_few_links_for_the_gate_are_refused(tmp_path: Path, champion: Champion) -> None:
    links = [link(name, 5, 400) for name in "abcd"]
    with pytest.raises(NotEnoughData, match="4 internet links have a window .* needs 5 links"):
        choose_cuts(example_request(tmp_path), links, champion)
    more = [*links, link("e", 5, 400)]
    assert isinstance(choose_cuts(example_request(tmp_path), more, champion), TimeCuts)


def test_a_champion_that_has_seen_all_telemetry_leaves_none_for_the_gate(
    tmp_path: Path, champion: Champion
) -> None:
    champion.card["retraining"] = {"cuts": {"gate_from_s": 5 * 86_400.0}}
    with pytest.raises(NotEnoughData, match="0 internet links have a window"):
        choose_cuts(example_request(tmp_path), [link(name, 5, 400) for name in "abcde"], champion)


@pytest.fixture
def events() -> list[Event]:
    return []


def run(
    tmp_path: Path,
    registry: Registry,
    events: list[Event],
    monkeypatch: pytest.MonkeyPatch,
    decision: str,
    meanwhile: Callable[[], object] = lambda: None,
) -> None:
    """Retrain, with a challenger that is not trained."""
    request = example_request(tmp_path)

    def challenger(*_: Any) -> dict[str, Any]:
        current = load_champion(registry, INTERNET, request.shipped)
        write_note(request, current, TimeCuts(1.0, 2.0, 3.0, 4.0))
        registry.publish(str(toy_artifact(tmp_path / "new", INTERNET, "new-1")), "retrain")
        meanwhile()
        return {"version": "new-1", "gate": {"decision": decision, "reasons": ["why"]}}

    monkeypatch.setattr(retrain, "_challenger", challenger)
    collaborators = Collaborators(
        registry, lambda event, entry=None: events.append(event), lambda: NOW_S
    )
    retrain.retrain(request, tmp_path, collaborators, "")


@pytest.mark.usefixtures("champion")
def test_a_better_challenger_becomes_champion_and_an_event_reports_it(
    tmp_path: Path, registry: Registry, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, registry, events, monkeypatch, "promote")
    assert registry.champion(INTERNET).version == "new-1"
    assert registry.champion(INTERNET).who == "retrain"
    assert [event.kind for event in events] == ["model_promoted", "retrained"]
    assert events[-1].body == {
        "model": "internet",
        "version": "new-1",
        "champion": "toy-1",
        "decision": "promote",
        "reasons": ["why"],
    }
    assert not example_request(tmp_path).note.exists()


@pytest.mark.usefixtures("champion")
def test_a_refused_challenger_changes_no_pointer(
    tmp_path: Path, registry: Registry, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, registry, events, monkeypatch, "refuse")
    (event,) = events
    assert event.body["decision"] == "refuse"
    assert registry.champion(INTERNET) == NONE


@pytest.mark.usefixtures("champion")
def test_a_promotion_during_the_retraining_wins(
    tmp_path: Path, registry: Registry, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.publish(str(toy_artifact(tmp_path / "other", INTERNET, "other-1")), "somebody")

    def meanwhile() -> None:
        registry.promote(INTERNET, "other-1", "somebody")

    with pytest.raises(Conflict):
        run(tmp_path, registry, events, monkeypatch, "promote", meanwhile)
    assert [event.kind for event in events] == ["model_refused", "retrained"]
    assert events[1].body["decision"] == "refuse"
    assert registry.champion(INTERNET).version == "other-1"


@pytest.mark.parametrize("failure", [NotEnoughData("too little"), ValueError()])
@pytest.mark.usefixtures("champion")
def test_a_retraining_that_fails_is_reported_as_refused(
    tmp_path: Path,
    registry: Registry,
    events: list[Event],
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
) -> None:
    def challenger(*_: Any) -> None:
        raise failure

    monkeypatch.setattr(retrain, "_challenger", challenger)
    collaborators = Collaborators(
        registry, lambda event, entry=None: events.append(event), lambda: NOW_S
    )
    with pytest.raises(type(failure)):
        retrain.retrain(example_request(tmp_path), tmp_path, collaborators, "")
    (event,) = events
    assert event.body == {
        "model": "internet",
        "version": None,
        "champion": "toy-1",
        "decision": "refuse",
        "reasons": [str(failure) or "ValueError()"],
    }


@pytest.mark.tf
def test_a_champion_without_a_readable_network_cannot_be_trained_further(
    champion: Champion,
) -> None:
    champion.card["columns_seen"] = [True] * 5
    with pytest.raises(BadArtifact, match="the Keras file of toy-1 cannot be trained further"):
        champion.weights(PROFILES[INTERNET])


def test_a_shipped_model_without_a_keras_file_is_refused(
    tmp_path: Path, registry: Registry
) -> None:
    folder = toy_artifact(tmp_path / "bare", INTERNET)
    with pytest.raises(BadArtifact, match=r"internet_model.keras does not exist"):
        load_champion(registry, INTERNET, folder)


def test_the_champion_of_the_registry_is_loaded_with_its_weights(
    tmp_path: Path, registry: Registry
) -> None:
    folder = toy_artifact(tmp_path / "new", INTERNET, "new-1")
    (folder / "internet_model.keras").write_bytes(b"weights")
    registry.publish(str(folder), "me")
    registry.promote(INTERNET, "new-1", "me")
    champion = load_champion(registry, INTERNET, tmp_path / "nowhere")
    assert (champion.keras, champion.forecaster.version) == (b"weights", "new-1")
    assert champion.pointer.number == 1
    assert champion.seen_until_s == -np.inf


def test_a_note_is_valid_for_one_champion(tmp_path: Path, champion: Champion) -> None:
    cuts, request = TimeCuts(1.0, 2.0, 3.0, 4.0), example_request(tmp_path)
    assert read_note(request, champion) is None
    write_note(request, champion, cuts)
    assert read_note(request, champion) == cuts
    other = toy_artifact(tmp_path / "shipped", INTERNET, "toy-2")
    later = load_champion(Registry(str(tmp_path / "registry"), lambda: NOW_S), INTERNET, other)
    assert read_note(request, later) is None


def test_a_retraining_is_for_one_mode() -> None:
    with pytest.raises(InvalidInput, match="--mode is both; a retraining is of one mode"):
        CliRunner().invoke(app, ["retrain", "--mode", "both"], catch_exceptions=False)
