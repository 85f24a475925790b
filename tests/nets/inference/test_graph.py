"""The graph for inference has the outputs of the Keras network, whatever columns it has seen."""

import json
from typing import Any

import numpy as np
import pytest

from pba.models.onnx import OnnxForecaster
from pba.nets.bin_layout import bins_for
from pba.nets.inference.graph import inference_graph
from pba.nets.inference.trained_network import TrainedNetwork
from pba.nets.network import build, calibrate
from pba.nets.onnx_export import Origin, export_onnx, varied_windows
from pba.nets.sharpness import Sharpness
from pba.types import COLUMNS, NetworkMode
from pba.types.profile import PROFILES

pytestmark = [pytest.mark.tf]
POWERS = (1.3, 0.9, 0.7, 1.1, 0.8, 1.2)
SHARPNESS = (
    Sharpness.constant(POWERS),
    Sharpness((-5.0, -2.5, -1.0), tuple((power, 1.0, 1 / power) for power in POWERS)),
)


def random_network(mode: NetworkMode, seen: tuple[bool, ...]) -> Any:
    """Return a network whose every weight matters: those of some heads are 0 at first."""
    rng = np.random.default_rng(0)
    network = build(PROFILES[mode], bins_for(mode), seen)
    network.set_weights([w + rng.normal(0.0, 0.02, w.shape) for w in network.get_weights()])
    return network


@pytest.mark.parametrize("mode", list(PROFILES))
@pytest.mark.parametrize("missing", ["throughput_mbps", "latency_ms", "packet_loss"])
def test_it_agrees_with_keras_in_all_outputs(mode: NetworkMode, missing: str) -> None:
    seen = tuple(name != missing for name in COLUMNS)
    bins, network = bins_for(mode), random_network(mode, seen)
    of_any = SHARPNESS[missing != "throughput_mbps"]
    sharpness = of_any.part(slice(3 + len(PROFILES[mode].intervals)))
    graph = inference_graph(TrainedNetwork(network, bins, seen, sharpness))
    finished = calibrate(network, bins, sharpness)
    content = export_onnx(finished, graph, bins, Origin("random-1", seen))  # which compares them
    assert json.loads(OnnxForecaster(content).metadata["columns_seen"]) == list(seen)


def test_a_network_without_calibration_agrees_too() -> None:
    mode, seen = NetworkMode.DATACENTER, (True,) * len(COLUMNS)
    bins, network = bins_for(mode), random_network(mode, seen)
    export_onnx(
        network, inference_graph(TrainedNetwork(network, bins, seen)), bins, Origin("r-1", seen)
    )


def test_a_column_that_was_not_seen_has_no_effect_and_one_that_was_has() -> None:
    mode, seen = NetworkMode.DATACENTER, (True, True, False, True, True)
    bins, network = bins_for(mode), random_network(mode, seen)
    graph = inference_graph(TrainedNetwork(network, bins, seen))
    forecaster = OnnxForecaster(export_onnx(network, graph, bins, Origin("r-1", seen)))
    windows = varied_windows(np.random.default_rng(1), 8, forecaster.window)
    expected = forecaster.predict(windows).probabilities
    for column, is_seen in enumerate(seen):
        changed = windows.copy()
        changed[:, ::2, column] = 0.5
        difference = np.abs(forecaster.predict(changed).probabilities - expected).max()
        assert (difference > 1e-3) == is_seen, COLUMNS[column]
