"""Writes copies of the shipped internet model that differ in version and level, for `swaps`."""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from benchmarks.bare import MODELS
from pba.models.onnx import OnnxForecaster
from pba.registry import artifacts

NAME = "internet"


def write_scaled_model(folder: Path, version: str, factor: float) -> OnnxForecaster:
    """Write the shipped model with another version and ``factor`` times its level; return it."""
    shipped = MODELS / NAME
    content = _scaled_onnx(shipped / artifacts.onnx_name(NAME), version, factor)
    forecaster = OnnxForecaster(content)
    card = json.loads((shipped / "card.json").read_text())
    card |= {"version": version, "sha256": hashlib.sha256(content).hexdigest()}
    telemetry = json.loads((shipped / "golden.json").read_text())["telemetry"]
    golden = artifacts.golden(forecaster, np.array(telemetry, dtype=float))
    folder.mkdir()
    (folder / artifacts.onnx_name(NAME)).write_bytes(content)
    (folder / "card.json").write_text(json.dumps(card))
    (folder / "golden.json").write_text(json.dumps(golden))
    return forecaster


def _scaled_onnx(path: Path, version: str, factor: float) -> bytes:
    """Return the model with a multiplication behind its output ``level_mbps``."""
    model = onnx.load(path)
    for node in model.graph.node:
        for tensors in (node.input, node.output):
            tensors[:] = ["shipped_level" if name == "level_mbps" else name for name in tensors]
    model.graph.initializer.append(numpy_helper.from_array(np.array(factor, "f4"), "factor"))
    model.graph.node.append(helper.make_node("Mul", ["shipped_level", "factor"], ["level_mbps"]))
    metadata = {entry.key: entry.value for entry in model.metadata_props} | {"version": version}
    helper.set_model_props(model, metadata)
    content: bytes = model.SerializeToString()
    return content
