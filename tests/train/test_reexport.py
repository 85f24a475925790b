"""Exporting a trained network again: other bytes, the same forecasts."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from pba.nets.onnx_export import varied_windows
from pba.nets.sharpness import Sharpness
from pba.registry import artifacts
from pba.types import HORIZONS, NetworkMode
from pba.types.profile import PROFILES
from tests.train.test_splits import SPLITS, write_set

pytestmark = pytest.mark.tf

MODELS = Path(__file__).parents[2] / "models"
MODE = NetworkMode.DATACENTER


def test_a_network_is_exported_again_with_its_weights_and_its_origin(tmp_path: Path) -> None:
    from train.reexport import export_again

    folder = tmp_path / MODE
    shutil.copytree(MODELS / MODE, folder)
    write_set(tmp_path / "traces" / MODE, "cni40g_tcp", SPLITS, 10.0)
    old, old_card = artifacts.load(str(folder), MODE)
    keras_file = (folder / artifacts.keras_name(MODE)).read_bytes()
    export_again(folder, MODE, tmp_path / "traces", "the command")
    new, card = artifacts.load(str(folder), MODE)
    assert new.version == card["version"] != old.version
    assert card["exported"]["from"] == old.version
    assert card["exported"]["command"] == "the command"
    assert list(card["metrics"]["sets"]) == ["cni40g_tcp"]
    kept = ("trained_on", "columns_seen", "seed", "epochs", "revision")
    assert {name: card[name] for name in kept} == {name: old_card[name] for name in kept}
    powers = [Sharpness.from_card(one["sharpness"]) for one in (card, old_card)]
    assert powers[0] == powers[1]
    assert f"again from {old.version}" in (folder / "card.md").read_text()
    assert (folder / artifacts.keras_name(MODE)).read_bytes() == keras_file
    windows = varied_windows(np.random.default_rng(0), 20, new.window)
    np.testing.assert_allclose(
        new.predict(windows).probabilities, old.predict(windows).probabilities, atol=1e-5
    )


def test_a_network_is_calibrated_again_on_request(tmp_path: Path) -> None:
    from train.reexport import export_again

    folder = tmp_path / MODE
    shutil.copytree(MODELS / MODE, folder)
    write_set(tmp_path / "traces" / MODE, "cni40g_tcp", SPLITS, 10.0)
    keras_file = (folder / artifacts.keras_name(MODE)).read_bytes()
    card = export_again(folder, MODE, tmp_path / "traces", "the command", again=True)
    sharpness = Sharpness.from_card(card["sharpness"])
    assert len(sharpness.powers) == len(HORIZONS) + len(PROFILES[MODE].intervals)
    assert "Sharpness, fitted on `val`" in (folder / "card.md").read_text()
    assert (folder / artifacts.keras_name(MODE)).read_bytes() != keras_file
    export_again(folder, MODE, tmp_path / "traces", "the command")  # from the file just written
    again = artifacts.load(str(folder), MODE)[1]
    assert Sharpness.from_card(again["sharpness"]) == sharpness
