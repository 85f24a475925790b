"""The whole of a retraining with small networks: store, Ray Data, Ray Train, gate, registry."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray
from typer.testing import CliRunner, Result

from pba.registry import NONE, Registry
from pba.store import SampleReport, Store, WriteBatch
from pba.telemetry.synthetic import generate_synthetic_data
from pba.types import History, NetworkMode
from pba.types.profile import PROFILES
from train import retrain
from train.__main__ import app
from train.artifact_writer import write
from train.data import synthetic
from train.job import Run, run_all
from train.training_plan import TrainingPlan

pytestmark = [
    pytest.mark.ray,
    pytest.mark.tf,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    # Ray leaves its own sockets and files to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray.*"),
]
MODE = NetworkMode.DATACENTER
START_S, STEP_S = 20_000 * 86_400.0, 600.0  # 300 samples are two days
LINKS, SAMPLES = 6, 300


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    ray.init(address="local", num_cpus=2)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a champion that has learned something; return the folder above its own."""
    place = tmp_path_factory.mktemp("shipped")
    profile = replace(PROFILES[MODE], learning_rate=0.003)
    splits = synthetic(MODE, 1500, profile.window, np.random.default_rng(0))
    plan = TrainingPlan(profile=profile, epochs=4, batch_size=64)
    ((run, state),) = run_all([Run(plan, splits, place / "runs")])
    write(run, state, place / MODE, "a test", plot=False)
    return place


def report(link: int, first: int, count: int) -> SampleReport:
    rng = np.random.default_rng(link)
    samples = generate_synthetic_data(MODE, first + count, rng)
    telemetry = History.of(samples).last(count).telemetry.copy()
    telemetry[:, 0] *= 1.0 + 0.5 * link  # that shuffled targets are wrong ones
    return SampleReport(f"{link}", START_S + STEP_S * (first + np.arange(count)), telemetry)


class Place:
    """A store, a registry, and a command line."""

    def __init__(self, folder: Path, shipped: Path) -> None:
        self.folder, self.shipped = folder, shipped
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
            "--output": str(self.folder / "out"),
            "--least-windows": "500",
            "--epochs": "2",
            "--batch-size": "64",
        }
        words = [word for pair in options.items() for word in pair]
        return CliRunner().invoke(app, ["retrain", *words, *more], catch_exceptions=False)

    @property
    def card(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "out" / MODE / "card.json").read_text())
        return found


@pytest.fixture
def place(tmp_path: Path, shipped: Path) -> Iterator[Place]:
    made = Place(tmp_path, shipped)
    yield made
    made.store.close()


def test_a_challenger_is_trained_judged_published_and_told_of(place: Place) -> None:
    ran = place.retrain()
    card = place.card
    before = json.loads((place.shipped / MODE / "card.json").read_text())
    assert card["retraining"]["champion"] == before["version"] != card["version"]
    assert card["retraining"]["samples"] == LINKS * SAMPLES
    assert card["retraining"]["replay"] == 0.0
    assert card["columns_seen"] == before["columns_seen"]
    assert "No original traces were replayed" in ran.stdout
    assert f"{card['version']}: {card['gate']['decision']}" in ran.stdout
    assert card["gate"]["newest"]["links"] == LINKS
    assert card["trained_on"] == ["telemetry"]
    assert place.registry.verify(MODE, card["version"])["gate"] == card["gate"]
    (event,) = place.store.events("retrained")
    assert event.body["decision"] == card["gate"]["decision"]
    promoted = card["gate"]["decision"] == "promote"
    wanted = (card["version"], "retrain") if promoted else (NONE.version, "")
    pointer = place.registry.champion(MODE)
    assert (pointer.version, pointer.who) == wanted
    left = sorted(path.name for path in (place.folder / "out").iterdir())
    assert left == ["datacenter", "runs"], "the export is gone"


def test_a_challenger_starts_from_the_champions_weights(place: Place) -> None:
    # At a rate of nearly 0 what comes out is what went in.
    place.retrain("--learning-rate", "1e-12", "--epochs", "1")
    ahead = place.card["gate"]["newest"]["horizons"]["1"]
    for figure in ("accuracy_20", "pinball"):
        assert ahead["challenger"][figure] == pytest.approx(ahead["champion"][figure], abs=0.01)
    assert place.card["gate"]["decision"] == "refuse"
    assert place.registry.champion(MODE) == NONE


def test_a_sabotaged_challenger_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrain, "run_all", lambda runs: run_all(runs, shuffled_work()))
    place.retrain("--learning-rate", "0.003", "--epochs", "3")
    gate = place.card["gate"]
    assert gate["decision"] == "refuse"
    assert any("accuracy_20 on the newest slice falls" in reason for reason in gate["reasons"])
    assert place.registry.champion(MODE) == NONE
    assert place.registry.versions(MODE)[0]["version"] == place.card["version"]


def shuffled_work() -> Callable[[dict[str, Any]], None]:
    """Return the loop on targets that belong to other windows."""

    def work(config: dict[str, Any]) -> None:
        from pba.telemetry.datasets import WindowSet
        from train.loop import loop

        gather, rng = WindowSet.gather, np.random.default_rng(0)

        def wrong(self: WindowSet, indices: np.ndarray, in_a_row: int = 1) -> Any:
            batch = gather(self, indices, in_a_row)
            return batch._replace(future_mbps=rng.permutation(batch.future_mbps))

        WindowSet.gather = wrong  # type: ignore[method-assign]
        loop(config)

    return work


def test_a_run_that_was_cut_off_moves_no_pointer_and_is_taken_up_with_its_own_cuts(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(runs: Any) -> Any:
        list(run_all(runs))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(retrain, "run_all", cut_off)
        assert place.retrain().exit_code == 130
    assert place.registry.champion(MODE) == NONE
    assert place.registry.versions(MODE) == []
    assert place.store.events("retrained") == []
    note = json.loads((place.folder / "out" / "runs" / f"{MODE}.json").read_text())
    place.store.write(WriteBatch([report(link, SAMPLES, 50) for link in range(LINKS)]))
    trained: list[Run] = []

    def counting(runs: Any) -> Any:
        trained.extend(runs)
        started = len(list((place.folder / "out" / "runs" / MODE).glob("checkpoint_*")))
        yield from run_all(runs)
        assert len(list((place.folder / "out" / "runs" / MODE).glob("checkpoint_*"))) == started

    monkeypatch.setattr(retrain, "run_all", counting)
    place.retrain("--resume")
    assert trained[0].plan.epochs == 2
    assert place.card["retraining"]["cuts"] == note["cuts"]
    assert place.card["retraining"]["samples"] == LINKS * SAMPLES, "later samples are left alone"
    assert len(place.store.events("retrained")) == 1
    assert not (place.folder / "out" / "runs" / f"{MODE}.json").exists()
