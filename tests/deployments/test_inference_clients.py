"""A client of Triton, from the package index, gets from a service what ONNX Runtime returns."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from pba.models.onnx import OnnxForecaster
from tests.support.service import PROJECT, RunningService
from tests.toy import toy_onnx

pytestmark = [pytest.mark.ray, pytest.mark.slow]

LOCK = PROJECT / "requirements/tritonclient.txt"
NAMES = ("probabilities", "level_mbps", "path")
WAYS = 2 * (6 + 2)  # with and without a version, over HTTP and gRPC


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment that has the client and nothing of PBA."""
    folder = tmp_path_factory.mktemp("tritonclient")
    uv = PROJECT / ".venv/bin/uv"
    run = {"check": True, "capture_output": True}
    subprocess.run([uv, "venv", "--quiet", "--python", "3.11", folder / "venv"], **run)
    python = folder / "venv/bin/python"
    install = [uv, "pip", "install", "--quiet", "--python", python, "--no-deps"]
    subprocess.run([*install, "--require-hashes", "-r", LOCK], **run)
    return python


def test_a_triton_client_gets_what_onnx_runtime_returns(
    service: RunningService, python: Path, tmp_path: Path
):
    values = np.random.default_rng(1).uniform(1.0, 90.0, (5, 60, 5)).astype(np.float32)
    values[0, :, 1:] = np.nan
    np.save(tmp_path / "input.npy", values)
    addresses = service.url.removeprefix("http://"), service.grpc_address
    program = Path(__file__).with_name("triton_calls.py")
    command = [python, program, *addresses, "internet"]
    run = subprocess.run(
        [*command, tmp_path / "input.npy", tmp_path / "output.npz"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stderr
    expected = OnnxForecaster(toy_onnx("internet")).predict(values)
    with np.load(tmp_path / "output.npz") as outputs:
        assert len(outputs) == WAYS * len(NAMES)
        for key in outputs:
            output = getattr(expected, key.rpartition("/")[2])
            assert outputs[key].dtype == np.float32
            np.testing.assert_allclose(outputs[key], output, rtol=1e-6, atol=1e-6, equal_nan=True)
