"""The whole training command with small networks on a real Ray: screen and artefacts."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from pba.nets import v1_network
from pba.registry import artifacts
from pba.types import NetworkMode
from pba.types.profile import PROFILES
from tests.support.training_marks import RAY_TRAINING
from train.training_command import DataSource, PlanSettings, TrainingRequest, train_networks

pytestmark = RAY_TRAINING
SHAPES = [
    replace(PROFILES[NetworkMode.DATACENTER], units=(8, 8), learning_rate=0.01),
    replace(v1_network.SHAPE, units=(8, 8), learning_rate=0.01),
]


def test_two_networks_train_at_once_and_show_a_few_lines(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = PlanSettings(epochs=2, batch_size=64)
    request = TrainingRequest(SHAPES, DataSource(samples=450), settings, tmp_path, plot=True)
    train_networks(request)
    check_screen(capfd.readouterr().out, tmp_path)
    for shape in SHAPES:
        check_artifacts(tmp_path / shape.mode, shape.mode)
        assert card(tmp_path / shape.mode)["epochs"] == 2


def check_screen(text: str, folder: Path) -> None:
    lines = text.splitlines()
    assert len(lines) <= 25
    assert max(len(line.replace(str(folder), "")) for line in lines) <= 100
    for name in ("datacenter", "v1"):
        assert any(line.startswith(f"{name}  epoch 2/2") for line in lines)
        assert any(card(folder / name)["version"] in line for line in lines)
    assert f"Logs of Ray and TensorFlow: {folder / 'train.log'}" in lines
    assert lines[-1].strip() == f"pba models promote v1 {card(folder / 'v1')['version']}"


def card(folder: Path) -> dict:
    return json.loads((folder / "card.json").read_text())


def check_artifacts(folder: Path, name: str) -> None:
    assert {path.name for path in folder.iterdir()} == {
        f"{name}_model.keras",
        f"{name}_bandwidth_predictor.onnx",
        "card.json",
        "card.md",
        "golden.json",
        "history.png",
    }
    forecaster, loaded_card = artifacts.load(str(folder), name)
    content = (folder / artifacts.onnx_name(name)).read_bytes()
    assert loaded_card["sha256"] == hashlib.sha256(content).hexdigest()
    assert loaded_card["version"] == forecaster.version
    assert len(json.loads((folder / "golden.json").read_text())["telemetry"]) == 4
