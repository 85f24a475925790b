"""Starts and stops the measured servers, each in its own processes."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.support.exported import exported_variables
from tests.support.ports import own_port

PROJECT = Path(__file__).parents[1]


BASELINE = "9366564"
"""The commit that speed is compared with: the last one before routers hold models themselves."""


@contextlib.contextmanager
def baseline(commit: str = BASELINE) -> Iterator[Path]:
    """Yield a folder with the project as it was at ``commit``, its models too."""
    with tempfile.TemporaryDirectory(prefix="pbab", dir="/tmp") as folder:
        archive = ["git", "-C", str(PROJECT), "archive", commit]
        files = subprocess.run(archive, stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=files, check=True)
        yield Path(folder)


@contextlib.contextmanager
def bare(project: Path = PROJECT) -> Iterator[str]:
    """Yield the URL of a server without Ray, of the code and models in ``project``."""
    with own_port() as port:
        command = [sys.executable, "-m", "benchmarks.bare", str(port)]
        with _running(command, port, {}, project) as url:
            yield url


@contextlib.contextmanager
def service(
    store_url: str | None = None,
    registry: str | None = None,
    replicas: Mapping[str, int] | None = None,
    grpc_port: int = 0,
    user_config: Mapping[str, Mapping[str, Any]] | None = None,
    project: Path = PROJECT,
    until: str = "/readyz",
    environment: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the URL of `python -m deployments` and the environment of a second Ray program.

    Parameters
    ----------
    store_url
        The database; a new SQLite file by default.
    registry
        The root of the model registry; an empty one by default.
    replicas
        The minimum number of replicas, by deployment.
    grpc_port
        Where gRPC is served; nowhere by default.
    user_config
        Entries to change in the ``user_config`` of deployments.
    project
        The folder whose code and models serve.
    until
        The path that answers 200 once the service has started.
    environment
        Variables of the service beside those of this process.
    """

    def config(port: int, folder: str) -> str:
        return _config(
            project,
            port,
            replicas or {},
            user_config or {},
            store_url=store_url or f"sqlite:///{folder}/pba.db",
            grpc_port=grpc_port,
            registry=registry or f"{folder}/registry",
        )

    with configured(config, project, until, environment) as service:
        yield service


@contextlib.contextmanager
def configured(
    config: Callable[[int, str], str],
    project: Path = PROJECT,
    until: str = "/readyz",
    environment: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the same of a service with a whole config of its own.

    ``config`` returns it, for a port of HTTP and a folder for what the service writes.
    ``environment`` is as for `service`.
    """
    with tempfile.TemporaryDirectory(prefix="pbab", dir="/tmp") as folder, own_port() as port:
        path = Path(folder) / "serve.yaml"
        path.write_text(config(port, folder))
        command = [sys.executable, "-m", "deployments", str(path)]
        variables = {"RAY_TMPDIR": folder, **(environment or {})}
        screen = Path(folder) / "screen"
        with _running(command, port, variables, project, until, screen) as url:
            shows = (project / "deployments" / "ray_token.py").exists()
            joins = exported_variables(screen) if shows else _joins_without_token(Path(folder))
            yield url, os.environ | variables | joins


def _config(
    project: Path,
    port: int,
    replicas: Mapping[str, int],
    user_config: Mapping[str, Mapping[str, Any]],
    **settings: object,
) -> str:
    config = yaml.safe_load((project / "serve_config.yaml").read_text())
    config["http_options"]["port"] = port
    (application,) = config["applications"]
    application["args"] = settings
    for deployment in application["deployments"]:
        name = deployment["name"]
        if name in replicas:
            deployment["autoscaling_config"]["min_replicas"] = replicas[name]
        deployment.setdefault("user_config", {}).update(user_config.get(name, {}))
        if not deployment["user_config"]:
            del deployment["user_config"]
    return yaml.safe_dump(config)


def _joins_without_token(folder: Path) -> dict[str, str]:
    """Return what a program needs on the Ray of a release whose Ray has no token."""
    (port,) = (folder / "ray" / "session_latest").glob("gcs_server_port_*")
    return {
        "RAY_ADDRESS": f"127.0.0.1:{port.read_text().strip()}",
        "RAY_AUTH_MODE": "disabled",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    }


@contextlib.contextmanager
def _running(
    command: list[str],
    port: int,
    variables: dict[str, str],
    project: Path,
    until: str = "/readyz",
    screen: Path = Path(os.devnull),
) -> Iterator[str]:
    with screen.open("wb") as shown:
        process = subprocess.Popen(command, cwd=project, env=os.environ | variables, stdout=shown)
    url = f"http://127.0.0.1:{port}"
    try:
        while not _answers(f"{url}{until}"):
            if process.poll() is not None:
                raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
            time.sleep(0.5)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
