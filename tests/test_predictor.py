"""The interface of the old predictor, on which its users rely."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pba import (
    BandwidthPredictorV3,
    NetworkMetrics,
    PredictionConfig,
    generate_synthetic_data,
)
from pba.errors import BadArtifact
from pba.forecasting.transfer import forecast_transfer
from pba.forecasting.transfer_request import TransferRequest
from pba.serving.local_service import LocalService
from pba.types import History, NetworkMode
from pba.types.profile import PROFILES
from tests.toy import toy_artifact

LENGTHS = {"datacenter": 30, "internet": 60}
THRESHOLDS = {"datacenter": 0.85, "internet": 0.70}

both = pytest.mark.parametrize("mode", LENGTHS)


def data(mode: str, count: int, seed: int = 0) -> list[NetworkMetrics]:
    return generate_synthetic_data(mode, count, np.random.default_rng(seed))


@pytest.fixture
def loaded(tmp_path: Path) -> BandwidthPredictorV3:
    toy_artifact(tmp_path, NetworkMode.INTERNET)
    return BandwidthPredictorV3("internet", model_path=tmp_path)


@both
def test_a_new_predictor_has_the_configuration_of_its_mode(mode: str):
    predictor = BandwidthPredictorV3(mode=mode)
    assert predictor.mode == mode
    assert predictor.model is not None
    assert predictor.config == PredictionConfig(mode, LENGTHS[mode], 5, 1, THRESHOLDS[mode])
    assert predictor._get_mode_config(mode) == predictor.config


@pytest.mark.parametrize("mode", ["invalid", "hybrid", ""])
def test_an_unknown_mode_is_a_value_error(mode: str):
    with pytest.raises(ValueError, match="mode is"):
        BandwidthPredictorV3(mode=mode)


@both
def test_training_data_are_all_windows_and_the_bandwidth_after_each(mode: str):
    samples = data(mode, 200)
    window = LENGTHS[mode]
    windows, targets = BandwidthPredictorV3(mode).prepare_training_data(samples)
    assert windows.shape == (200 - window, window, 5)
    assert targets.shape == (200 - window,)
    assert windows[3, 0].tolist() == list(samples[3].values)
    assert targets[3] == samples[3 + window].bandwidth_mbps


@both
def test_too_few_samples_to_train_are_a_value_error(mode: str):
    predictor = BandwidthPredictorV3(mode)
    with pytest.raises(ValueError, match="needs at least"):
        predictor.prepare_training_data(data(mode, LENGTHS[mode]))


@both
def test_an_untrained_predictor_is_a_runtime_error(mode: str, tmp_path: Path):
    predictor = BandwidthPredictorV3(mode)
    with pytest.raises(RuntimeError, match="train"):
        predictor.predict(data(mode, 60))
    with pytest.raises(RuntimeError, match="train"):
        predictor.save_model(tmp_path)
    with pytest.raises(RuntimeError, match="train"):
        predictor.export_to_onnx(tmp_path)


def test_a_short_history_is_a_value_error(loaded: BandwidthPredictorV3):
    with pytest.raises(ValueError, match="59 samples"):
        loaded.predict(data("internet", 59))


def test_confidence_is_none_unless_requested(loaded: BandwidthPredictorV3):
    value, confidence = loaded.predict(data("internet", 60), return_confidence=False)
    assert isinstance(value, float)
    assert confidence is None


def test_only_the_last_window_counts(loaded: BandwidthPredictorV3):
    samples = data("internet", 100)
    assert loaded.predict(samples) == loaded.predict(samples[-60:])


def test_a_transfer_follows_from_the_last_window(loaded: BandwidthPredictorV3):
    samples = data("internet", 100)
    answer = loaded.transfer(samples, 10**8, deadline_s=60.0)
    assert answer.source == "model"
    service = LocalService({NetworkMode.INTERNET: loaded.model}, gap_intervals=math.inf)
    forecast = service.forecast(History.of(samples[-60:]), NetworkMode.INTERNET, as_of_newest=True)
    expected = forecast_transfer(forecast, TransferRequest(10**8, 60.0))
    assert answer == replace(expected, made_at=answer.made_at)


def test_a_migration_of_a_machine_that_writes_faster_takes_longer(loaded: BandwidthPredictorV3):
    samples = data("internet", 60)
    calm, busy = (loaded.transfer(samples, 10**9, dirty_mbps=mbps) for mbps in (1.0, 40.0))
    assert calm.duration_s[3] < busy.duration_s[3]
    assert calm.precopy is not None


def test_a_transfer_without_a_model_a_window_or_a_size_is_an_error(loaded: BandwidthPredictorV3):
    with pytest.raises(RuntimeError, match="no model"):
        BandwidthPredictorV3("internet").transfer(data("internet", 60), 10**8)
    with pytest.raises(ValueError, match="59 samples"):
        loaded.transfer(data("internet", 59), 10**8)
    with pytest.raises(ValueError, match="bytes is 0"):
        loaded.transfer(data("internet", 60), 0)


def test_predicting_for_another_mode_warns_and_predicts(
    loaded: BandwidthPredictorV3, caplog: pytest.LogCaptureFixture
):
    samples = data("internet", 60)
    assert loaded.predict_internet(samples) == loaded.predict(samples)
    assert not caplog.records
    assert loaded.predict_datacenter(samples) == loaded.predict(samples)
    assert "predict_datacenter" in caplog.text


def test_a_loaded_model_is_saved_unchanged(loaded: BandwidthPredictorV3, tmp_path: Path):
    samples, folder = data("internet", 60), tmp_path / "copy"
    loaded.save_model(folder)
    again = BandwidthPredictorV3("internet", model_path=str(folder))
    assert again.predict(samples) == loaded.predict(samples)
    loaded.export_to_onnx(tmp_path / "onnx")
    (only,) = (tmp_path / "onnx").iterdir()
    assert only.name == "internet_bandwidth_predictor.onnx"


def test_a_folder_without_a_model_is_refused(tmp_path: Path):
    with pytest.raises(BadArtifact, match="does not hold"):
        BandwidthPredictorV3("datacenter", model_path=tmp_path)


@pytest.mark.tf
@pytest.mark.parametrize("split", [0.0, 1.0, -1.0, 2.0])
def test_a_split_that_leaves_nothing_on_one_side_is_a_value_error(split: float):
    with pytest.raises(ValueError, match="validation_split"):
        BandwidthPredictorV3().train(data("datacenter", 100), validation_split=split)


def test_training_without_tensorflow_is_an_error_that_names_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pba-forecast\[train\]"):
        BandwidthPredictorV3().train(data("datacenter", 100))


@pytest.mark.tf
@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "count", "epochs", "share"),
    [("datacenter", 800, 4, 0.75), ("internet", 800, 4, 0.6)],
)
def test_a_model_trained_from_scratch_predicts_saves_and_loads(
    mode: str,
    count: int,
    epochs: int,
    share: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    profile = PROFILES[NetworkMode(mode)]
    small = replace(profile, units=(16, 8), learning_rate=0.003)
    monkeypatch.setitem(PROFILES, profile.mode, small)
    window = LENGTHS[mode]
    samples = data(mode, count + count // 4, seed=1)
    predictor = BandwidthPredictorV3(mode, rng=np.random.default_rng(0))
    results = predictor.train(samples[:count], epochs=epochs)
    check_results(results, epochs)

    test = samples[count:]
    predictions = [predictor.predict(test[end - window : end]) for end in range(window, len(test))]
    actual = np.array([sample.bandwidth_mbps for sample in test[window:]])
    points = np.array([value for value, _ in predictions])
    assert np.mean(np.abs(points - actual) / actual < 0.20) > share
    assert all(0.0 <= confidence <= 1.0 for _, confidence in predictions if confidence is not None)

    predictor.save_model(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{mode}_model.keras",
        f"{mode}_bandwidth_predictor.onnx",
        "card.json",
        "golden.json",
    }
    again = BandwidthPredictorV3(mode)
    again.load_model(tmp_path)
    assert again.predict(test)[0] == pytest.approx(predictor.predict(test)[0], abs=0.005)
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["metrics"]["training"] == results["history"]


def check_results(results: dict[str, Any], epochs: int) -> None:
    assert set(results) == {"history", "final_val_loss", "final_val_mae", "epochs_trained"}
    assert 0 < results["epochs_trained"] <= epochs
    assert results["final_val_loss"] == results["history"]["val_loss"][-1] < 10_000
    assert results["final_val_mae"] == results["history"]["val_mae"][-1] > 0
