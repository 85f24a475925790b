"""Starts and ends what is measured, each in processes of its own."""

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
    with own_port() as port:
        command = [sys.executable, "-m", "benchmarks.bare", str(port)]
        with _started(command, port, {}) as url:
            yield url


@contextlib.contextmanager
def service(
    plain: bool,
    store_url: str | None = None,
    registry: str | None = None,
    replicas: Mapping[str, int] | None = None,
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the url of `python -m deployments` and the environment of a second Ray program.

    ``store_url`` None is a SQLite file of its own, ``registry`` None an empty one; ``replicas``
    are the fewest of a deployment.
    """
    with tempfile.TemporaryDirectory(prefix="pbab", dir="/tmp") as folder, own_port() as port:
        config = yaml.safe_load((PROJECT / "serve_config.yaml").read_text())
        config["http_options"]["port"] = port
        url = store_url or f"sqlite:///{folder}/pba.db"
        (app,) = config["applications"]
        app["args"] = {
            "store_url": url,
            "grpc_port": 0,
            "registry": registry or f"{folder}/registry",
        }
        for deployment in app["deployments"]:
            if replicas and deployment["name"] in replicas:
                deployment["autoscaling_config"]["min_replicas"] = replicas[deployment["name"]]
        path = Path(folder) / "serve.yaml"
        path.write_text(yaml.safe_dump(config))
        command = [sys.executable, "-m", "deployments", str(path), *(["--plain"] * plain)]
        extra = {
            "RAY_TMPDIR": folder,
            "RAY_AUTH_MODE": "disabled",
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # a second program looks on loopback too
        }
        with _started(command, port, extra) as url:
            yield url, os.environ | extra


@contextlib.contextmanager
def _started(command: list[str], port: int, extra: dict[str, str]) -> Iterator[str]:
    process = subprocess.Popen(
        command, cwd=PROJECT, env=os.environ | extra, stdout=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        while not _ready(url):
            if process.poll() is not None:
                raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
            time.sleep(0.5)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
