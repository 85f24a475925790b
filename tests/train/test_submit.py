"""The training command behind `ray job submit`, on a real Ray head of two CPUs."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pba.registry import artifacts

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
    "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",  # no client is left
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
}


def free_ports(count: int) -> list[int]:
    """Return ports that are free now, outside 10002-19999, which Ray gives to its workers."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def ray_command(*words: str) -> list[str]:
    return [sys.executable, "-m", "ray.scripts.scripts", *words]


@pytest.fixture(scope="module")
def head() -> Iterator[str]:
    """Start a head; yield the address that takes jobs."""
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # sockets need a short path
    port, dashboard, agent, client = free_ports(4)
    options = [
        f"--port={port}",
        f"--dashboard-port={dashboard}",
        f"--dashboard-agent-listen-port={agent}",
        f"--ray-client-server-port={client}",
        f"--temp-dir={folder}",
        "--node-ip-address=127.0.0.1",
        "--num-cpus=2",
        "--disable-usage-stats",
        "--block",
    ]
    log = (Path(folder) / "head.log").open("w")
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
        shutil.rmtree(folder, ignore_errors=True)


def wait_for_jobs(address: str, process: subprocess.Popen[bytes]) -> None:
    """Request the list of jobs until the head responds."""
    for _ in range(20):
        assert process.poll() is None, "the head did not start"
        listing = subprocess.run(
            ray_command("job", "list", "--address", address), env=ENVIRONMENT, capture_output=True
        )
        if listing.returncode == 0:
            return
    raise AssertionError("the head does not take jobs")


def test_a_submitted_job_trains_and_its_log_has_a_few_lines(head: str, tmp_path: Path) -> None:
    job = "python -m train --mode v1 --workers 2 --epochs 1 --samples 200"
    options = ["--address", head, "--working-dir", "."]
    done = subprocess.run(
        ray_command("job", "submit", *options, "--", *job.split(), f"--output={tmp_path}"),
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    log = (tmp_path / "train.log").read_text() if (tmp_path / "train.log").exists() else ""
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:] + log[-4000:]
    artifacts.load(str(tmp_path / "v1"), "v1")
    lines = done.stdout.splitlines()
    first = next(i for i, line in enumerate(lines) if line == "Training v1")
    last = next(i for i, line in enumerate(lines) if "pba models promote v1" in line)
    shown = lines[first : last + 1]
    assert len(shown) <= 25
    assert max(len(line.replace(str(tmp_path), "")) for line in shown) <= 100
    assert any(line.startswith("v1  epoch 1/1") for line in shown)
    assert "RayTrainWorker" not in done.stdout
    assert "RayTrainWorker" in log
