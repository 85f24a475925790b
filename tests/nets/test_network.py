"""The whole network: its inputs, its outputs, and its invariances."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pba.nets.bin_layout import bins_for
from pba.nets.loss import window_loss
from pba.nets.network import build, calibrate, weights_of
from pba.nets.onnx_export import varied_windows
from pba.nets.sharpness import Sharpness
from pba.types import Floats, NetworkMode
from pba.types.profile import PROFILES

pytestmark = [
    pytest.mark.tf,
]
SMALL = replace(PROFILES[NetworkMode.DATACENTER], units=(8, 4))
BINS = bins_for(NetworkMode.DATACENTER)
ALL = (True,) * 5


@pytest.fixture(scope="module")
def network() -> Any:
    return build(SMALL, BINS, ALL)


def windows(count: int = 64) -> Floats:
    return varied_windows(np.random.default_rng(3), count, SMALL.window)


def predict(network: Any, telemetry: Floats) -> dict[str, Floats]:
    return {name: np.asarray(value) for name, value in network(telemetry).items()}


def test_outputs_are_distributions_and_positive_levels(network: Any) -> None:
    outputs = predict(network, windows())
    assert outputs["probabilities"].shape == (64, 3, 122)
    np.testing.assert_allclose(outputs["probabilities"].sum(axis=-1), 1.0, atol=1e-5)
    assert (outputs["probabilities"] >= 0).all()
    assert (outputs["level_mbps"] > 0).all()


def test_sharpness_is_a_power_of_the_density(network: Any) -> None:
    sharp = calibrate(network, BINS, Sharpness.constant((1.25, 1.0, 0.8, 1.0, 0.9)))
    plain, powered = (predict(one, windows())["probabilities"] for one in (network, sharp))
    width = np.concatenate([[1.0], np.diff(BINS.edges)])
    expected = width * (np.maximum(plain, 1e-9) / width) ** np.array([1.25, 1.0, 0.8])[:, None]
    expected /= expected.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(powered, expected, atol=1e-5)


@pytest.mark.parametrize("mbps", [0.0, 1e-6, 1.0, 1e6])
def test_constant_links_of_any_rate_have_finite_outputs(network: Any, mbps: float) -> None:
    telemetry = np.full((1, SMALL.window, 5), np.nan, dtype=np.float32)
    telemetry[..., 0] = mbps
    outputs = predict(network, telemetry)
    assert np.isfinite(outputs["probabilities"]).all()
    assert outputs["level_mbps"][0] == pytest.approx(max(mbps, 1e-9), rel=1e-6)


def test_outputs_are_scale_free(network: Any) -> None:
    telemetry = windows()
    telemetry[..., 0] += 1.0
    larger = telemetry.copy()
    larger[..., [0, 4]] *= 64.0
    small, large = predict(network, telemetry), predict(network, larger)
    np.testing.assert_allclose(large["probabilities"], small["probabilities"], atol=2e-5)
    np.testing.assert_allclose(large["level_mbps"], 64.0 * small["level_mbps"], rtol=1e-5)


def test_the_level_is_the_median_of_the_last_five(network: Any) -> None:
    telemetry = windows(1)
    telemetry[0, -5:, 0] = [7.0, 900.0, 8.0, 6.0, 9.0]
    telemetry[0, :-5, 0] = 10.0
    assert predict(network, telemetry)["level_mbps"][0] == pytest.approx(8.0)


def test_an_untrained_network_is_halfway_from_the_last_measured_path_to_its_mean(
    network: Any,
) -> None:
    telemetry = windows(1)
    telemetry[0, :, 1:4] = np.nan
    telemetry[0, [3, 7, -2], 1] = [20.0, 25.0, 30.0]
    telemetry[0, :, 2] = 0.01
    path = predict(network, telemetry)["path"][0]
    smooth = np.average([20.0, 25.0, 30.0], weights=[0.49, 0.7, 1.0])
    halfway = np.sqrt((1 + 100 * 30.0) * (1 + 100 * smooth)) / 100 - 0.01
    np.testing.assert_allclose(path, [halfway, 0.01, np.nan], rtol=1e-4)


def test_a_column_absent_from_training_has_no_effect() -> None:
    network = build(SMALL, BINS, (True, False, True, True, False))
    telemetry = windows()
    without = telemetry.copy()
    without[..., [1, 4]] = np.nan
    one, other = predict(network, telemetry), predict(network, without)
    np.testing.assert_array_equal(one["probabilities"], other["probabilities"])


def test_windows_in_a_row_have_the_outputs_of_single_windows(network: Any) -> None:
    learner = build(SMALL, BINS, ALL, in_a_row=4)
    learner.set_weights(network.get_weights())
    stretches = varied_windows(np.random.default_rng(5), 8, SMALL.window + 3)
    together = predict(learner, stretches)
    windows_by_end = [stretches[:, start : start + SMALL.window] for start in range(4)]
    for index, single_windows in enumerate(windows_by_end):
        alone = predict(network, single_windows)
        for name in ("level_mbps", "path"):
            np.testing.assert_allclose(together[name][index::4], alone[name], rtol=1e-5)
        if index == 0:  # the state of later windows includes earlier samples
            expected = alone["probabilities"]
            np.testing.assert_allclose(together["probabilities"][::4], expected, atol=1e-5)


def test_no_window_of_a_stretch_depends_on_later_samples() -> None:
    learner = build(SMALL, BINS, ALL, in_a_row=4)
    stretches = varied_windows(np.random.default_rng(5), 8, SMALL.window + 3)
    changed = stretches.copy()
    changed[:, -1] = [1e6, 1e3, 1.0, 1e3, 1e6]
    before, after = (predict(learner, one)["probabilities"] for one in (stretches, changed))
    unchanged = np.abs(after - before).max(axis=(1, 2)).reshape(8, 4) < 1e-6
    assert unchanged.tolist() == [[True, True, True, False]] * 8


def test_the_loss_ignores_missing_targets_and_its_gradient_is_finite(network: Any) -> None:
    import tensorflow as tf

    telemetry = windows(16)
    future = np.full((16, 3), np.nan, dtype=np.float32)
    future[1:, 0] = telemetry[1:, -1, 0]
    path = np.full((16, 3), np.nan, dtype=np.float32)
    path[::2] = 0.0
    mean = np.full((16, 3), np.nan, dtype=np.float32)
    mean[1:, 1] = 2.0 * telemetry[1:, -1, 0]
    with tf.GradientTape() as tape:
        losses = window_loss(BINS)(network(telemetry, training=True), future, path, mean)
        loss = tf.reduce_sum(losses)
    gradients = tape.gradient(loss, network.trainable_variables)
    assert np.isfinite(losses).all()
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_a_keras_file_loads_without_this_package(network: Any, tmp_path: Path) -> None:
    network.save(tmp_path / "model.keras")
    np.save(tmp_path / "windows.npy", windows(8))
    program = (
        "import keras, numpy as np, sys; model = keras.models.load_model('model.keras');"
        "np.save('outputs.npy', np.asarray(model(np.load('windows.npy'))['probabilities']));"
        "assert 'pba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True)
    expected = predict(network, windows(8))["probabilities"]
    np.testing.assert_allclose(np.load(tmp_path / "outputs.npy"), expected, atol=1e-6)


def test_the_weights_of_a_calibrated_network_can_be_extracted_for_more_training(
    network: Any, tmp_path: Path
) -> None:
    import keras

    powers = Sharpness.constant((1.25, 1.0, 0.8, 0.9, 1.1))
    calibrate(network, BINS, powers).save(tmp_path / "model.keras")
    saved = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    weights = weights_of(saved, SMALL, BINS, ALL)
    for before, after in zip(network.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(before, after)


def test_the_same_seed_gives_the_same_initial_weights(network: Any) -> None:
    same, other = build(SMALL, BINS, ALL), build(SMALL, BINS, ALL, seed=1)
    pairs = list(zip(network.get_weights(), same.get_weights(), strict=True))
    assert all((a == b).all() for a, b in pairs)
    assert any((a != b).any() for a, b in zip(same.get_weights(), other.get_weights(), strict=True))


def test_importing_the_nets_does_not_load_tensorflow() -> None:
    program = (
        "import sys; import pba.nets.fit, pba.nets.onnx_export, pba.nets.epochs;"
        "assert not {'tensorflow', 'keras', 'tf2onnx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
