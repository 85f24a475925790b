"""Which processes may load what, tried in processes of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

import pba

PROJECT = Path(__file__).parents[1]
PROGRAM = """
import importlib, pkgutil, sys
for name in {blocked!r}:
    sys.modules[name] = None
for root in {roots!r}:
    package = importlib.import_module(root)
    for found in pkgutil.walk_packages(package.__path__, root + "."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
"""


@pytest.mark.parametrize(
    ("roots", "blocked"),
    [
        (["pba", "deployments"], ["tensorflow", "keras", "tf2onnx", "onnx", "matplotlib"]),
        (["pba"], ["ray", "fastapi", "starlette", "tensorflow", "keras", "tf2onnx"]),
    ],
)
def test_every_module_imports_without_what_it_must_not_need(roots: list[str], blocked: list[str]):
    program = PROGRAM.format(roots=roots, blocked=blocked)
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2000:]


def test_public_names_are_these():
    assert pba.__all__ == [
        "AsyncPBAClient",
        "BandwidthPredictorV3",
        "Forecast",
        "NetworkMetrics",
        "NetworkMode",
        "PBAClient",
        "PredictionConfig",
        "generate_synthetic_data",
    ]
    assert all(hasattr(pba, name) for name in pba.__all__)
