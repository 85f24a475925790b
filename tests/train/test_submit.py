"""The whole of it behind `ray job submit`, on a real Ray head of two CPUs."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pba.models import v1_features
from pba.registry import artifacts
from pba.types.profile import PROFILES

pytestmark = [
    pytest.mark.ray,
    pytest.mark.tf,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {
    "RAY_AUTH_MODE": "disabled",
    "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",  # nobody is left who could be cut off
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
}


def free_ports(count: int) -> list[int]:
    """Return ports that are free now, outside 10002-19999, which Ray gives to its workers."""
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in held]
    for one in held:
        one.close()
    return ports


def ray_command(*words: str) -> list[str]:
    return [sys.executable, "-m", "ray.scripts.scripts", *words]


@pytest.fixture(scope="module")
def head() -> Iterator[str]:
    """Start a head; yield the address that takes jobs."""
    place = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # sockets need a short path
    port, dashboard, agent, client = free_ports(4)
    options = [
        f"--port={port}",
        f"--dashboard-port={dashboard}",
        f"--dashboard-agent-listen-port={agent}",
        f"--ray-client-server-port={client}",
        f"--temp-dir={place}",
        "--node-ip-address=127.0.0.1",
        "--num-cpus=2",
        "--disable-usage-stats",
        "--block",
    ]
    log = (Path(place) / "head.log").open("w")
    process = subprocess.Popen(
        ray_command("start", "--head", *options), env=ENVIRONMENT, stdout=log, stderr=log
    )
    try:
        wait_for_jobs(f"http://127.0.0.1:{dashboard}", process)
        yield f"http://127.0.0.1:{dashboard}"
    finally:
        process.terminate()
        process.wait(60)
        log.close()
        shutil.rmtree(place, ignore_errors=True)


def wait_for_jobs(address: str, process: subprocess.Popen[bytes]) -> None:
    """Ask for the list of jobs until the head answers."""
    for _ in range(20):
        assert process.poll() is None, "the head did not start"
        asked = subprocess.run(
            ray_command("job", "list", "--address", address), env=ENVIRONMENT, capture_output=True
        )
        if asked.returncode == 0:
            return
    raise AssertionError("the head does not take jobs")


def test_a_submitted_job_trains_all_with_two_workers_each(head: str, tmp_path: Path) -> None:
    job = "python -m train --mode all --workers 2 --epochs 2 --samples 600 --plot"
    options = ["--address", head, "--working-dir", "."]
    done = subprocess.run(
        ray_command("job", "submit", *options, "--", *job.split(), f"--output={tmp_path}"),
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    for name in (*PROFILES, v1_features.NAME):
        check_artefact(tmp_path / name, name)
        assert f"{name}  epoch 2/2" in done.stdout


def check_artefact(folder: Path, name: str) -> None:
    names = {path.name for path in folder.iterdir()}
    assert names == {
        f"{name}_model.keras",
        f"{name}_bandwidth_predictor.onnx",
        "card.json",
        "card.md",
        "golden.json",
        "history.png",
    }
    forecaster, card = artifacts.load(str(folder), name)
    content = (folder / artifacts.onnx_name(name)).read_bytes()
    assert card["sha256"] == hashlib.sha256(content).hexdigest()
    assert card["version"] == forecaster.version
    assert len(json.loads((folder / "golden.json").read_text())["telemetry"]) == 4
