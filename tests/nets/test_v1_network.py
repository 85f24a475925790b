"""The network of v1: four outputs from six features, a fixed spread, and the ONNX file."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pba.models import v1_features
from pba.models.distribution import decode
from pba.models.onnx import OnnxForecaster
from pba.nets import v1_network
from pba.nets.fit import fit
from pba.nets.keras_conversion import convert_keras
from pba.nets.onnx_export import Origin, check_parity, export_onnx, varied_windows
from pba.nets.training_recipe import TrainingRecipe, training_recipe
from pba.telemetry.datasets import WindowBatch, WindowSet
from pba.types import Floats, History

SMALL = replace(v1_network.SHAPE, units=(8, 4), learning_rate=0.01)
MONDAY_S = 1_772_409_600.0  # 2026-03-02 00:00 UTC


class Link:
    """An hourly link with bandwidth ``rates``, as features of v1."""

    def __init__(self, rates: Floats, latency_ms: float = np.nan) -> None:
        telemetry = np.full((len(rates), 5), np.nan)
        telemetry[:, 0], telemetry[:, 1] = rates, latency_ms
        history = History(MONDAY_S + 3600.0 * np.arange(len(rates)), telemetry)
        self.timestamps_s = history.timestamps_s
        self.telemetry = v1_features.features(history.timestamps_s, history.telemetry)


def day_and_night(days: int, rng: np.random.Generator) -> WindowSet:
    """Return a link that is ten times as fast from 8 to 20 o'clock.

    A window of 10 hours does not show when the next change is due.
    """
    hour = np.arange(24 * days) % 24
    rates = np.where((hour >= 8) & (hour < 20), 100.0, 10.0) * np.exp(
        rng.normal(0.0, 0.05, hour.size)
    )
    return WindowSet.of({"link": [Link(rates, latency_ms=20.0)]}, v1_features.WINDOW)


def windows(count: int, seed: int = 3) -> Floats:
    return varied_windows(
        np.random.default_rng(seed), count, v1_network.SHAPE.window, v1_features.COLUMNS
    )


@pytest.fixture(scope="module")
def recipe() -> TrainingRecipe:
    return training_recipe(SMALL, day_and_night(10, np.random.default_rng(0)))


@pytest.fixture(scope="module")
def network(recipe: TrainingRecipe) -> Any:
    return recipe.build(0, 1)


def test_the_shape_is_that_of_the_old_predictor() -> None:
    assert (v1_network.SHAPE.window, v1_network.SHAPE.units, v1_network.SHAPE.dropout) == (
        10,
        (128, 64),
        0.2,
    )
    assert len(v1_features.COLUMNS) == 6


def test_a_scale_is_of_logarithms_of_measured_values() -> None:
    values = np.array([[1.0, np.nan, 0.0, 5.0, 6.0, 0.0], [np.e**2, np.nan, 0.0, 5.0, 12.0, 4.0]])
    scale = v1_network.FeatureScale.of(values)
    np.testing.assert_allclose(scale.mean, [1.0, 0.0, 0.0, np.log(501.0), 9.0, 2.0])
    np.testing.assert_allclose(scale.deviation, [1.0, 1.0, 1.0, 1.0, 3.0, 2.0])


def test_half_of_the_training_windows_without_a_time_get_one(rng) -> None:
    telemetry = np.ones((4000, 10, 6), dtype=np.float32)
    telemetry[:2000, :, 4:] = np.nan
    dated = np.full((2000, 10, 2), [7.0, 3.0])
    telemetry[2000:, :, 4:] = dated
    batch = WindowBatch(telemetry, *[np.ones((4000, 3))] * 3)
    augmented = v1_network.augment(batch, rng).telemetry
    hour, weekday = augmented[:2000, 0, 4], augmented[:2000, 0, 5]
    assert 0.3 < np.isfinite(hour).mean() < 0.4  # half of them, less the removed columns
    assert set(np.unique(hour[np.isfinite(hour)])) == set(range(24))
    assert set(np.unique(weekday[np.isfinite(weekday)])) == set(range(7))
    assert (np.ptp(augmented[..., 4:], axis=1)[np.isfinite(augmented[:, 0, 4:])] == 0).all()
    kept = augmented[2000:, :, 4:]
    assert ((kept == dated) | np.isnan(kept)).all()
    np.testing.assert_array_equal(augmented[..., 0], 1.0)


@pytest.mark.tf
def test_training_learns_changes_by_the_hour() -> None:
    rng = np.random.default_rng(0)
    shape = replace(SMALL, units=(16, 8), learning_rate=0.02)
    result = fit(shape, day_and_night(100, rng), day_and_night(10, rng), 16, 64, rng)
    test = day_and_night(20, rng)
    batch = test.gather(np.arange(len(test)))
    outputs = np.asarray(result.model(batch.telemetry)["level_mbps"])
    actual = batch.future_mbps[:, 0]
    changes = np.isin(batch.telemetry[:, -1, 4], [7, 19])
    error = np.abs(np.log(outputs / actual))
    assert changes.sum() > 30
    assert np.median(error[changes]) < np.log(2.0)  # the last value is off by log 10
    assert np.median(error) < 0.3


@pytest.mark.tf
def test_onnx_and_keras_agree_and_the_metadata_describes_the_model(
    recipe: TrainingRecipe, network: Any
) -> None:
    rng = np.random.default_rng(0)
    spread = rng.dirichlet(np.ones(len(recipe.bins)), 3)
    calibrated = v1_network.with_spread(network, spread)
    content = export_onnx(
        calibrated,
        convert_keras(calibrated),
        recipe.bins,
        Origin("v1-1", (True,) * 6),
        recipe.columns,
        recipe.learned,
    )
    forecaster = OnnxForecaster(content)
    assert check_parity(calibrated, forecaster) <= 1e-5
    assert (forecaster.name, forecaster.window) == ("v1", 10)
    assert (forecaster.columns, forecaster.learned) == (v1_features.COLUMNS, "level_mbps")
    assert json.loads(forecaster.metadata["columns"]) == list(v1_features.COLUMNS)
    outputs = forecaster.predict(windows(40))
    np.testing.assert_allclose(outputs.probabilities, np.tile(spread, (40, 1, 1)), atol=1e-6)
    assert np.ptp(outputs.level_mbps) > 0


@pytest.mark.tf
def test_without_a_spread_the_point_has_all_probability(
    recipe: TrainingRecipe, network: Any
) -> None:
    outputs = network(windows(8))
    level = np.asarray(outputs["level_mbps"])
    decoded = decode(np.asarray(outputs["probabilities"]), level, recipe.bins)
    np.testing.assert_allclose(decoded.bandwidth_mbps, np.tile(level[:, None], 3), rtol=0.01)


@pytest.mark.tf
def test_the_path_is_missing_if_the_window_has_none_and_in_range_otherwise(
    network: Any,
) -> None:
    inputs = windows(200)
    path = np.asarray(network(inputs)["path"])
    missing = np.isnan(inputs[:, :, 1:4]).all(axis=1)
    assert missing.any()
    np.testing.assert_array_equal(np.isnan(path), missing)
    assert np.nanmin(path) >= 0.0
    assert np.nanmax(path[:, 1]) <= 1.0


@pytest.mark.tf
def test_missing_values_are_replaced_by_the_mean(recipe: TrainingRecipe, network: Any) -> None:
    inputs = windows(16)
    inputs[:, :, 4:] = np.nan
    scale = v1_network.FeatureScale.of(day_and_night(10, np.random.default_rng(0)).values)
    filled = inputs.copy()
    filled[:, :, 4:] = scale.mean[4:]
    levels = [np.asarray(network(one)["level_mbps"]) for one in (inputs, filled)]
    np.testing.assert_allclose(*levels, rtol=1e-4)


@pytest.mark.tf
def test_the_loss_ignores_missing_targets_and_is_zero_at_the_actual() -> None:
    scale = v1_network.FeatureScale((0.0,) * 6, (1.0,) * 6)
    future = np.array([[np.e, 5.0, 5.0]] * 3, dtype=np.float32)
    nan = np.nan
    path = np.array([[nan, nan, nan], [nan, nan, nan], [1.0, nan, nan]], dtype=np.float32)
    answer = np.array([[1.0, 9, 9, 9], [3.0, 9, 9, 9], [1.0, 0, 9, 9]], dtype=np.float32)
    losses = np.asarray(v1_network.loss(scale, {"answer": answer}, future, path, future))
    np.testing.assert_allclose(losses, [0.0, 4.0, np.log(101.0) ** 2], rtol=1e-5, atol=1e-6)


@pytest.mark.tf
def test_windows_in_a_row_have_the_outputs_of_single_windows(
    recipe: TrainingRecipe, network: Any
) -> None:
    learner = recipe.build(0, 3)
    data = day_and_night(10, np.random.default_rng(0))
    first = np.array([0, 40])
    together = np.asarray(learner(data.gather(first, 3).telemetry)["level_mbps"])
    alone = network(data.gather((first[:, None] + np.arange(3)).ravel()).telemetry)
    np.testing.assert_allclose(together, np.asarray(alone["level_mbps"]), rtol=1e-5)
