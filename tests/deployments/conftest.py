"""A whole service for tests: its own Ray, ports and folders, started as users start it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from benchmarks.servers import own_port
from tests.toy import toy_artifact

PROJECT = Path(__file__).parents[2]
_READY_S = 150.0
_MODELS = {"DatacenterModel": "datacenter", "InternetModel": "internet", "BaselineModel": "v1"}


@dataclass
class RunningService:
    """A service in processes of its own."""

    url: str
    folder: Path
    config: dict[str, Any]
    process: subprocess.Popen[bytes]
    grpc_address: str
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where this service's own Ray is found; `auto` may find that of another."""
        (port,) = (self.folder / "ray" / "session_latest").glob("gcs_server_port_*")
        return f"127.0.0.1:{port.read_text().strip()}"

    def program(self, source: str, timeout_s: float = 90.0) -> Any:
        """Run ``source`` as a second program on the same Ray; return the JSON it prints last."""
        ran = subprocess.run(
            [sys.executable, "-c", _PROLOGUE.format(self.address) + source],
            env=self.environment,
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr[-3000:]
        return json.loads(ran.stdout.strip().splitlines()[-1])

    def deploy(self, config: dict[str, Any]) -> None:
        """Hand a changed config to the running service, as `serve run` does, until it runs.

        Changed args replace every replica; one that is alone goes before the next one comes.
        """
        path = self.folder / "changed.yaml"
        path.write_text(yaml.safe_dump(config))
        serve = Path(sys.executable).with_name("serve")
        subprocess.run(
            [serve, "run", "--non-blocking", "--address", self.address, path],
            env=self.environment,
            cwd=PROJECT,
            capture_output=True,
            timeout=90,
            check=True,
        )
        self.program(_UNTIL_IT_RUNS)


_PROLOGUE = """
import json, logging, ray
from ray import serve
ray.init(address="{}", namespace="serve", logging_level=logging.ERROR, log_to_driver=False)
"""
_UNTIL_IT_RUNS = """
import time
while (app := serve.status().applications["pba"]).status != "RUNNING":
    assert app.status == "DEPLOYING", app.message
    time.sleep(0.2)
print("null")
"""


@pytest.fixture(scope="module")
def service() -> Iterator[RunningService]:
    """Start the service on toy models and a SQLite file, and end it afterwards."""
    with running_service() as running:
        yield running


@contextlib.contextmanager
def running_service(routers: int = 1, **settings: Any) -> Iterator[RunningService]:
    """Start the service on toy models and end it, and all that it started, afterwards."""
    with (
        tempfile.TemporaryDirectory(
            prefix="pba", dir="/tmp"
        ) as name,  # Ray's sockets: a short path
        own_port() as port,
        own_port() as grpc_port,
    ):
        folder = Path(name)
        config = _config(folder, port, routers, {"grpc_port": grpc_port} | settings)
        path = folder / "serve.yaml"
        path.write_text(yaml.safe_dump(config))
        environment = os.environ | {
            "RAY_TMPDIR": name,
            "RAY_AUTH_MODE": "disabled",
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # second programs look on loopback too
        }
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "deployments", path],
                env=environment,
                cwd=PROJECT,
                stdout=log,
                stderr=log,
            )
        running = RunningService(
            f"http://127.0.0.1:{port}",
            folder,
            config,
            process,
            f"127.0.0.1:{grpc_port}",
            environment,
        )
        try:
            _wait_until_ready(running)
            yield running
        finally:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()


def _config(folder: Path, port: int, routers: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Return serve_config.yaml with toy models and an autoscaler in a hurry."""
    config: dict[str, Any] = yaml.safe_load((PROJECT / "serve_config.yaml").read_text())
    config["http_options"]["port"] = port
    for deployment in config["applications"][0]["deployments"]:
        scaling = {"upscale_delay_s": 1, "downscale_delay_s": 3, "look_back_period_s": 2}
        scaling |= {"metrics_interval_s": 1, "max_replicas": 2, "target_ongoing_requests": 2}
        if deployment["name"] == "Router":
            scaling = {"min_replicas": routers, "max_replicas": routers}
            deployment["max_ongoing_requests"] = 512
        elif deployment["name"] == "Monitor":
            continue
        else:
            name = _MODELS[deployment["name"]]
            toy_artifact(folder / name, name)
            deployment["user_config"]["model"] = str(folder / name)
            if deployment["autoscaling_config"]["min_replicas"] == 0:
                scaling["downscale_to_zero_delay_s"] = 3
        deployment["autoscaling_config"] |= scaling
    config["applications"][0]["args"] = {
        "max_in_flight": 16,
        "store_url": f"sqlite:///{folder}/pba.db",
        "registry": f"{folder}/registry",
        "score_every_s": 1.0,
    } | settings
    return config


def _wait_until_ready(running: RunningService) -> None:
    limit = time.monotonic() + _READY_S
    while time.monotonic() < limit:
        assert running.process.poll() is None, (running.folder / "log").read_text()[-3000:]
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{running.url}/readyz", timeout=2).status_code == 200:
                return
        time.sleep(0.25)
    pytest.fail(f"not ready within {_READY_S} s: {(running.folder / 'log').read_text()[-3000:]}")
