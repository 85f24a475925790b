"""A Ray head of its own that takes jobs."""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support.folders import short_folder

__all__ = ["TOKEN", "environment", "ray_command", "ray_head"]

TOKEN = secrets.token_hex(32)
"""The token of every head that this process starts."""


def environment() -> dict[str, str]:
    """Return the variables of the head and of the commands that use it."""
    return os.environ | {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": TOKEN,
        "RAY_worker_niceness": "0",
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


@contextlib.contextmanager
def ray_head() -> Iterator[str]:
    """Start a head; yield the address that takes jobs."""
    folder = tempfile.mkdtemp(prefix="ray-", dir=short_folder())
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
        ray_command("start", "--head", *options), env=environment(), stdout=log, stderr=log
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
            ray_command("job", "list", "--address", address), env=environment(), capture_output=True
        )
        if listing.returncode == 0:
            return
    raise AssertionError("the head does not take jobs")
