"""Toy models: real ONNX files that build in milliseconds and forecast plausibly, for tests."""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from pba.models import v1_features
from pba.models.distribution import Bins
from pba.models.onnx import OnnxForecaster
from pba.registry import artifacts
from pba.types import COLUMNS, HORIZONS, NetworkMode
from pba.types.profile import PROFILES

BINS = Bins.spaced(122, 6.0, 0.05)
_WIDTHS = (0.1, 0.2, 0.3)


def toy_onnx(
    name: str, version: str = "toy-1", peak: float = 0.0, intervals: tuple[int, ...] = ()
) -> bytes:
    """Return a model that expects ``exp(peak)`` times the last bandwidth, more or less surely.

    The mean over each of the ``intervals`` is expected at half of ``peak``, and more surely.
    """
    window, columns = _input(name)
    constants = _constants(window, peak)
    nodes, outputs = _nodes("probabilities"), [_distributions("probabilities", len(HORIZONS))]
    if intervals:
        widths = np.array(_WIDTHS[: len(intervals)])[:, None] / 2
        constants["shape_of_intervals"] = _shape(peak / 2, widths)
        nodes += _distribution("intervals", "shape_of_intervals")
        outputs.append(_distributions("intervals", len(intervals)))
    graph = helper.make_graph(
        nodes,
        "toy",
        [_tensor("telemetry", ["batch", window, len(columns)])],
        [*outputs, _tensor("level_mbps", ["batch"]), _tensor("path", ["batch", 3])],
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(
        model,
        {
            "mode": name,
            "version": version,
            "window": str(window),
            "columns": json.dumps(columns),
            "bin_edges": json.dumps(BINS.edges.tolist()),
            "intervals": json.dumps(intervals),
        },
    )
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def _constants(window: int, peak: float) -> dict[str, np.ndarray]:
    return {
        "shape": _shape(peak, np.array(_WIDTHS)[:, None]),
        "last": np.array([window - 1]),
        "bandwidth": np.array([0]),
        "path_columns": np.array([1, 2, 3]),
        "sample_axis": np.array([1]),
        "batch_only": np.array([-1]),
        "outer": np.array([-1, 1, 1]),
        "floor": np.array(1e-9, dtype=np.float32),
        "half": np.array(0.5, dtype=np.float32),
        "one": np.array(1.0, dtype=np.float32),
    }


def _shape(peak: float, widths: np.ndarray) -> np.ndarray:
    shape = -(((BINS.edges - peak) / widths) ** 2)
    return np.asarray(shape[None], dtype=np.float32)


def _nodes(output: str) -> list[onnx.NodeProto]:
    """Return the nodes; the confidence varies with the level, so that no two links agree."""
    return [
        helper.make_node("Gather", ["telemetry", "last"], ["newest"], axis=1),
        helper.make_node("Gather", ["newest", "bandwidth"], ["newest_mbps"], axis=2),
        helper.make_node("Reshape", ["newest_mbps", "batch_only"], ["flat_mbps"]),
        helper.make_node("Max", ["flat_mbps", "floor"], ["level_mbps"]),
        helper.make_node("Gather", ["newest", "path_columns"], ["newest_path"], axis=2),
        helper.make_node("Squeeze", ["newest_path", "sample_axis"], ["path"]),
        helper.make_node("Sin", ["level_mbps"], ["wave"]),
        helper.make_node("Mul", ["wave", "half"], ["small_wave"]),
        helper.make_node("Add", ["small_wave", "one"], ["scale"]),
        helper.make_node("Reshape", ["scale", "outer"], ["outer_scale"]),
        *_distribution(output, "shape"),
    ]


def _distribution(output: str, shape: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Mul", [shape, "outer_scale"], [f"logits_of_{output}"]),
        helper.make_node("Softmax", [f"logits_of_{output}"], [output], axis=2),
    ]


def _distributions(name: str, count: int) -> onnx.ValueInfoProto:
    return _tensor(name, ["batch", count, len(BINS)])


def toy_artifact(
    folder: Path,
    name: str,
    version: str = "toy-1",
    peak: float = 0.0,
    intervals: tuple[int, ...] = (),
) -> Path:
    """Write a whole toy artefact into ``folder`` and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    content = toy_onnx(name, version, peak, intervals)
    (folder / artifacts.onnx_name(name)).write_bytes(content)
    rng = np.random.default_rng(0)
    window, columns = _input(name)
    windows = rng.uniform(1, 100, (4, window, len(columns))).astype(np.float32)
    windows[0, :, 1:] = np.nan
    golden = artifacts.golden(OnnxForecaster(content), windows)
    (folder / "golden.json").write_text(json.dumps(golden))
    card = {"mode": name, "version": version, "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "card.json").write_text(json.dumps(card | {"metrics": {}}))
    return folder


def _input(name: str) -> tuple[int, tuple[str, ...]]:
    if name == v1_features.NAME:
        return v1_features.WINDOW, v1_features.COLUMNS
    return PROFILES[NetworkMode(name)].window, COLUMNS


def _tensor(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
