"""A whole retraining with small networks: store, Ray Data, Ray Train, gate, registry."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from pba.nets.fit import fit
from pba.nets.training_recipe import training_recipe
from pba.registry import NONE, Registry
from pba.store import SampleReport, Store, WriteBatch
from pba.telemetry.synthetic import generate_synthetic_data
from pba.types import History, NetworkMode
from pba.types.profile import PROFILES
from tests.support.training_marks import RAY_TRAINING
from train import retrain
from train.__main__ import app
from train.artifact_writer import write_artifacts
from train.checkpoint import TrainingState
from train.ray_trainer import TrainingRun, run_all
from train.splits import synthetic_splits
from train.training_plan import TrainingPlan

pytestmark = RAY_TRAINING
MODE = NetworkMode.DATACENTER
SMALL = replace(PROFILES[MODE], units=(16, 16))
START_S, STEP_S = 20_000 * 86_400.0, 600.0  # 900 samples are six days
LINKS, SAMPLES = 6, 900


@pytest.fixture(scope="module", autouse=True)
def small_network() -> Iterator[None]:
    """Give the mode a small network, which trains and exports faster."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PROFILES, MODE, SMALL)
        yield


@pytest.fixture(scope="module")
def shipped(small_network: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a champion that has learned something; return the folder above its own."""
    folder = tmp_path_factory.mktemp("shipped")
    profile = replace(SMALL, learning_rate=0.003)
    splits = synthetic_splits(MODE, 1500, profile.window, np.random.default_rng(0))
    fitted = fit(profile, splits.train, splits.val, 5, 64, np.random.default_rng(0))
    state = TrainingState()
    last = {name: values[-1] for name, values in fitted.history.items()}
    state.add(last | {"val_accuracy_20": 0.0}, fitted.model.get_weights())
    run = TrainingRun(TrainingPlan(profile=profile, epochs=5), splits, folder / "runs")
    write_artifacts(run, state, folder / MODE, "a test", plot=False)
    return folder


def report(link: int, first: int, count: int) -> SampleReport:
    rng = np.random.default_rng(link)
    samples = generate_synthetic_data(MODE, first + count, rng)
    telemetry = History.of(samples).last(count).telemetry.copy()
    telemetry[:, 0] *= 1.0 + 0.5 * link  # so that the targets of other links are wrong ones
    return SampleReport(f"{link}", START_S + STEP_S * (first + np.arange(count)), telemetry)


class Workplace:
    """A store, a registry, and a command line."""

    def __init__(self, folder: Path, shipped: Path) -> None:
        self.output, self.shipped = folder / "out", shipped
        self.url = f"sqlite:///{folder}/pba.db"
        self.store = Store(self.url, lambda: START_S).ready()
        self.store.write(WriteBatch([report(link, 0, SAMPLES) for link in range(LINKS)]))
        self.registry = Registry(str(folder / "registry"), lambda: START_S)

    def retrain(self, *more: str) -> Result:
        options = {
            "--mode": MODE.value,
            "--store": self.url,
            "--registry": self.registry.root,
            "--shipped": str(self.shipped),
            "--output": str(self.output),
            "--least-windows": "500",
            "--batch-size": "64",
        }
        words = [word for pair in options.items() for word in pair]
        return CliRunner().invoke(app, ["retrain", *words, *more], catch_exceptions=False)

    @property
    def card(self) -> dict[str, Any]:
        card: dict[str, Any] = json.loads((self.output / MODE / "card.json").read_text())
        return card

    @property
    def note(self) -> Path:
        return self.output / "runs" / f"{MODE}.json"

    @property
    def checkpoints(self) -> set[str]:
        return {path.name for path in (self.output / "runs" / MODE / "kept").glob("epoch-*")}


@pytest.fixture
def workplace(tmp_path: Path, shipped: Path) -> Iterator[Workplace]:
    workplace = Workplace(tmp_path, shipped)
    yield workplace
    workplace.store.close()


def interrupted(runs: Any, **options: Any) -> Any:
    """Stand for `run_all`, interrupted at the end of the training."""
    list(run_all(runs, **options))
    raise KeyboardInterrupt


def test_an_interrupted_retraining_changes_nothing_and_resumes_to_a_published_challenger(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # At a rate of nearly 0 the challenger keeps the weights of the champion, where it starts.
    options = ("--learning-rate", "1e-12", "--epochs", "2")
    with monkeypatch.context() as patch:
        patch.setattr(retrain, "run_all", interrupted)
        stopped = workplace.retrain(*options)
    assert (stopped.exit_code, "--resume continues" in stopped.stdout) == (130, True)
    assert workplace.registry.champion(MODE) == NONE
    assert workplace.registry.versions(MODE) == []
    assert workplace.store.events("retrained") == []
    note, checkpoints = json.loads(workplace.note.read_text()), workplace.checkpoints
    workplace.store.write(WriteBatch([report(link, SAMPLES, 50) for link in range(LINKS)]))

    resumed = workplace.retrain(*options, "--resume")
    assert workplace.checkpoints == checkpoints, "no epoch was left to train"
    assert not workplace.note.exists()
    card = workplace.card
    check_origin(card, note, json.loads((workplace.shipped / MODE / "card.json").read_text()))
    check_outcome(card, workplace)
    assert f"{card['version']}: {card['gate']['decision']}" in resumed.stdout
    assert "No original traces were replayed" in resumed.stdout


def check_origin(card: dict[str, Any], note: dict[str, Any], champion: dict[str, Any]) -> None:
    assert card["retraining"]["champion"] == champion["version"] != card["version"]
    assert card["retraining"]["cuts"] == note["cuts"]
    assert card["retraining"]["samples"] == LINKS * SAMPLES, "later samples are ignored"
    assert card["retraining"]["replay"] == 0.0
    assert card["columns_seen"] == champion["columns_seen"]
    assert card["trained_on"] == ["telemetry"]


def check_outcome(card: dict[str, Any], workplace: Workplace) -> None:
    newest = card["gate"]["newest"]
    assert newest["links"] == LINKS
    for figure in ("accuracy_20", "pinball"):
        ahead = newest["horizons"]["1"]
        assert ahead["challenger"][figure] == pytest.approx(ahead["champion"][figure], abs=0.01)
    # The weights are equal but not the calibration, so either decision is possible.
    decision = card["gate"]["decision"]
    pointer = workplace.registry.champion(MODE)
    expected = (card["version"], "retrain") if decision == "promote" else (NONE.version, "")
    assert (pointer.version, pointer.who) == expected
    assert workplace.registry.verify(MODE, card["version"])["gate"] == card["gate"]
    (event,) = workplace.store.events("retrained")
    assert event.body["decision"] == decision
    names = sorted(path.name for path in workplace.output.iterdir())
    assert names == ["datacenter", "retrain.log", "runs"], "the export is deleted"


def test_a_challenger_that_has_learned_nothing_is_refused(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrain, "run_all", untrained)
    workplace.retrain()
    gate = workplace.card["gate"]
    assert gate["decision"] == "refuse"
    assert any("accuracy_20 on the newest slice falls" in reason for reason in gate["reasons"])
    assert workplace.registry.champion(MODE) == NONE
    assert workplace.registry.versions(MODE)[0]["version"] == workplace.card["version"]


def untrained(
    runs: Sequence[TrainingRun], **options: Any
) -> Iterator[tuple[TrainingRun, TrainingState]]:
    """Stand for `run_all`; the networks keep random weights."""
    for run in runs:
        recipe = training_recipe(run.plan.profile, run.splits.train, run.plan.columns_seen)
        figures = dict.fromkeys(("loss", "val_loss", "val_mae", "val_accuracy_20"), 0.0)
        state = TrainingState()
        state.add(figures, recipe.build(1, 1).get_weights())
        yield run, state
