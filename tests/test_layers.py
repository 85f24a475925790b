"""Which packages may load what, tried in processes of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

import pba

PROJECT = Path(__file__).parents[1]
TELEMETRY = "opentelemetry"
EXPORTER = "opentelemetry.exporter.otlp"  # loaded where requests are traced
PROGRAM = """
import importlib, pkgutil, sys
for name in {blocked!r}:
    sys.modules[name] = None
for root in {roots!r}:
    package = importlib.import_module(root)
    for module in pkgutil.walk_packages(package.__path__, root + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
"""


@pytest.mark.parametrize(
    ("roots", "blocked"),
    [
        (
            ["pba", "deployments"],
            ["tensorflow", "keras", "tf2onnx", "onnx", "matplotlib", EXPORTER],
        ),
        (["pba"], ["ray", "fastapi", "starlette", "tensorflow", "keras", "tf2onnx", TELEMETRY]),
    ],
)
def test_every_module_imports_without_the_packages_that_it_must_not_need(
    roots: list[str], blocked: list[str]
):
    program = PROGRAM.format(roots=roots, blocked=blocked)
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-2000:]


def test_the_public_names_are_listed():
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
