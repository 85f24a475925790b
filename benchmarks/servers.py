"""Starts and stops the measured servers, each in its own processes."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import yaml

from tests.support.ports import own_port

PROJECT = Path(__file__).parents[1]


@contextlib.contextmanager
def bare() -> Iterator[str]:
    """Yield the URL of a server without Ray."""
    with own_port() as port:
        command = [sys.executable, "-m", "benchmarks.bare", str(port)]
        with _running(command, port, {}) as url:
            yield url


@contextlib.contextmanager
def service(
    plain: bool,
    store_url: str | None = None,
    registry: str | None = None,
    replicas: Mapping[str, int] | None = None,
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the URL of `python -m deployments` and the environment of a second Ray program.

    Parameters
    ----------
    plain
        Whether Ray's Python proxy is the ingress instead of HAProxy.
    store_url
        The database; a new SQLite file by default.
    registry
        The root of the model registry; an empty one by default.
    replicas
        The minimum number of replicas, by deployment.
    """
    with tempfile.TemporaryDirectory(prefix="pbab", dir="/tmp") as folder, own_port() as port:
        config = _config(
            port,
            replicas or {},
            store_url=store_url or f"sqlite:///{folder}/pba.db",
            grpc_port=0,
            registry=registry or f"{folder}/registry",
        )
        path = Path(folder) / "serve.yaml"
        path.write_text(config)
        command = [sys.executable, "-m", "deployments", str(path), *(["--plain"] * plain)]
        variables = {
            "RAY_TMPDIR": folder,
            "RAY_AUTH_MODE": "disabled",
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # a second program uses loopback too
        }
        with _running(command, port, variables) as url:
            yield url, os.environ | variables | {"RAY_ADDRESS": _ray_address(Path(folder))}


def _config(port: int, replicas: Mapping[str, int], **settings: object) -> str:
    config = yaml.safe_load((PROJECT / "serve_config.yaml").read_text())
    config["http_options"]["port"] = port
    (application,) = config["applications"]
    application["args"] = settings
    for deployment in application["deployments"]:
        if deployment["name"] in replicas:
            deployment["autoscaling_config"]["min_replicas"] = replicas[deployment["name"]]
    return yaml.safe_dump(config)


def _ray_address(folder: Path) -> str:
    """Return the address of the Ray whose files are in ``folder``; others may run besides it."""
    (port,) = (folder / "ray" / "session_latest").glob("gcs_server_port_*")
    return f"127.0.0.1:{port.read_text().strip()}"


@contextlib.contextmanager
def _running(command: list[str], port: int, variables: dict[str, str]) -> Iterator[str]:
    process = subprocess.Popen(
        command, cwd=PROJECT, env=os.environ | variables, stdout=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        while not _is_ready(url):
            if process.poll() is not None:
                raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
            time.sleep(0.5)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
