"""The exported file: equal to Keras, self-describing, and refused if untrained."""

import json
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pba.errors import BadArtifact
from pba.models.base import Prediction
from pba.models.onnx import OnnxForecaster
from pba.nets.bin_layout import bins_for
from pba.nets.keras_conversion import convert_keras
from pba.nets.network import build
from pba.nets.onnx_export import Origin, annotate, check_parity, export_onnx, varied_windows
from pba.types import COLUMNS, Floats, NetworkMode
from pba.types.profile import PROFILES

pytestmark = [
    pytest.mark.tf,
]
BINS = bins_for(NetworkMode.INTERNET)
SEEN = (True, True, True, True, False)
SMALL = replace(PROFILES[NetworkMode.INTERNET], units=(8, 4))


@pytest.fixture(scope="module")
def network() -> Any:
    return build(SMALL, BINS, SEEN)


@pytest.fixture(scope="module")
def forecaster(network: Any) -> OnnxForecaster:
    origin = Origin("internet-2026.11.23-1", SEEN, ("fcc_2016",), "abc")
    content = export_onnx(network, convert_keras(network), BINS, origin)
    return OnnxForecaster(annotate(content, {"accuracy_20": 0.6}))


def test_onnx_and_keras_agree(network: Any, forecaster: OnnxForecaster) -> None:
    assert check_parity(network, forecaster) <= 1e-5


def test_the_metadata_describes_the_model(forecaster: OnnxForecaster) -> None:
    metadata = forecaster.metadata
    assert metadata["mode"] == "internet"
    assert metadata["version"] == "internet-2026.11.23-1"
    assert metadata["revision"] == "abc"
    assert metadata["window"] == "60"
    decoded = {
        key: json.loads(metadata[key]) for key in ("columns", "horizons", "columns_seen", "metrics")
    }
    assert decoded["columns"] == list(COLUMNS)
    assert decoded["horizons"] == [1, 5, 15]
    assert decoded["columns_seen"] == list(SEEN)
    assert decoded["metrics"] == {"accuracy_20": 0.6}
    assert json.loads(metadata["trained_on"]) == ["fcc_2016"]
    np.testing.assert_array_equal(forecaster.bins.edges, BINS.edges)


def test_a_model_that_differs_is_refused(forecaster: OnnxForecaster) -> None:
    other = build(SMALL, BINS, SEEN, seed=1)
    with pytest.raises(BadArtifact, match="differ by"):
        check_parity(other, forecaster)


@pytest.mark.parametrize(
    ("windows", "by", "fits"),
    [(1, 5e-5, True), (1, 5e-4, False), (1, float("nan"), False), (8, 5e-5, False)],
)
def test_rounding_may_add_up_in_a_few_windows(
    network: Any, forecaster: OnnxForecaster, windows: int, by: float, fits: bool
) -> None:
    altered = copy(forecaster)

    def predict(telemetry: Floats) -> Prediction:
        prediction = forecaster.predict(telemetry)
        shares = np.where(np.arange(len(telemetry)) < windows, by, 0.0) * (len(telemetry) == 64)
        return replace(prediction, level_mbps=prediction.level_mbps * (1.0 + shares))

    altered.predict = predict  # type: ignore[method-assign]
    if fits:
        assert check_parity(network, altered) == pytest.approx(by, rel=0.1)
    else:
        with pytest.raises(BadArtifact, match="differ by"):
            check_parity(network, altered)


def test_a_model_that_learned_nothing_is_refused() -> None:
    import keras
    from keras import layers, ops

    telemetry = keras.Input((60, 5), name="telemetry")
    zero = layers.Dense(3 * 122, kernel_initializer="zeros")(ops.zeros_like(telemetry[:, 0]))
    probabilities = ops.softmax(ops.reshape(zero, (-1, 3, 122)), axis=-1)
    level, path = ops.maximum(telemetry[:, -1, 0], 1e-9), telemetry[:, -1, 1:4]
    outputs = {"probabilities": probabilities, "level_mbps": level, "path": path}
    constant = keras.Model(telemetry, outputs, name="internet")
    with pytest.raises(BadArtifact, match="learned nothing"):
        export_onnx(constant, convert_keras(constant), BINS, Origin("constant-1", SEEN))


def test_varied_windows_have_outages_missing_values_and_missing_columns() -> None:
    windows = varied_windows(np.random.default_rng(0), 500, 60)
    missing = np.isnan(windows[..., 1:])
    assert 0.3 < missing.mean() < 0.45
    assert missing.all(axis=1).any()
    assert (windows[..., 0] == 0).any()
    assert not np.isnan(windows[..., 0]).any()
    assert np.nanmax(windows[..., 2]) <= 1.0
