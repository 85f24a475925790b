"""A whole service for tests: its own Ray, ports and folders, started as users start it."""

import contextlib
import json
import os
import select
import signal
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.support.exported import exported_variables
from tests.support.folders import short_folder
from tests.support.ports import own_port
from tests.support.waiting import wait_until
from tests.toy import toy_artifact

PROJECT = Path(__file__).parents[2]
_READY_S = 200.0
NO_VARIABLES: Mapping[str, str] = {}
_MODELS = {"DatacenterModel": "datacenter", "InternetModel": "internet", "BaselineModel": "v1"}


@dataclass
class RunningService:
    """A service in processes of its own.

    In `folder` lie `screen`, what a person sees, and `log`, the logs of Ray. `verify` is what httpx
    needs to call it over TLS.
    """

    url: str
    folder: Path
    config: dict[str, Any]
    process: subprocess.Popen[bytes]
    grpc_address: str
    environment: dict[str, str]
    verify: ssl.SSLContext | bool = True
    _console: subprocess.Popen[str] | None = field(default=None, init=False)

    @property
    def program_environment(self) -> dict[str, str]:
        """What another program on this service's Ray needs, as the command shows it."""
        return self.environment | exported_variables(self.folder / "screen")

    @property
    def screen(self) -> str:
        """Everything that the command has shown."""
        return (self.folder / "screen").read_text()

    def program(self, source: str, timeout_s: float = 90.0) -> Any:
        """Run ``source`` in a second program on the same Ray; return what it replies.

        `json`, `ray`, `serve` and `reply(value)` are defined in it.
        """
        console = self._running_console()
        assert console.stdin
        assert console.stdout
        console.stdin.write(json.dumps(source) + "\n")
        console.stdin.flush()
        if not select.select([console.stdout], [], [], timeout_s)[0]:
            self.end_console()
            raise AssertionError(f"no reply within {timeout_s:g} s: {source}")
        response = json.loads(console.stdout.readline())
        assert "error" not in response, response["error"]
        return response["value"]

    def _running_console(self) -> subprocess.Popen[str]:
        if self._console is None or self._console.poll() is not None:
            with (self.folder / "console").open("ab") as log:
                self._console = subprocess.Popen(
                    [sys.executable, "-m", "tests.support.console"],
                    env=self.program_environment,
                    cwd=PROJECT,
                    text=True,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                )
        return self._console

    def end_console(self) -> None:
        """End the second program, if it runs."""
        if self._console:
            self._console.kill()
            self._console.communicate()
            self._console = None

    def deploy(self, config: dict[str, Any]) -> None:
        """Hand a changed config to the running service, as `serve run` does, until it runs.

        Changed args replace every replica.
        """
        path = self.folder / "changed.yaml"
        path.write_text(yaml.safe_dump(config))
        self.program(_DEPLOY.format(str(path)), 180.0)

    def is_ready(self) -> bool:
        """Whether the service says that it is ready."""
        with contextlib.suppress(httpx.HTTPError):
            response = httpx.get(f"{self.url}/readyz", timeout=2, verify=self.verify)
            return response.status_code == 200
        return False

    def has_started(self) -> bool:
        """Whether it is ready; fail if it has ended."""
        assert self.process.poll() is None, "it has ended"
        return self.is_ready()

    def output(self) -> str:
        """Return what the command has shown, and the end of its log."""
        log = self.folder / "log"
        end = log.read_text(errors="replace")[-3000:] if log.exists() else "no log"
        return f"{self.screen}\n--- the end of the log ---\n{end}"


_DEPLOY = """
import time
from ray.serve.scripts import run
run.main([{!r}, "--non-blocking"], standalone_mode=False)
while (app := serve.status().applications["pba"]).status != "RUNNING":
    assert app.status == "DEPLOYING", app.message
    time.sleep(0.1)
"""


@contextlib.contextmanager
def running_service(
    routers: int = 1,
    measured: bool = False,
    verify: ssl.SSLContext | bool = True,
    secure: Path | None = None,
    variables: Mapping[str, str] = NO_VARIABLES,
    **settings: Any,
) -> Iterator[RunningService]:
    """Start the service on toy models and end it, and all that it started, afterwards.

    If ``measured``, a run with coverage measures its processes too, which slows them down. With
    ``secure``, the folder of `make serve-secure`, ``verify`` is what httpx needs to call it.
    ``variables`` come on top of this process's environment.
    """
    with (
        tempfile.TemporaryDirectory(prefix="pba", dir=short_folder()) as name,
        own_port() as port,
        own_port() as grpc_port,
        own_port() as metrics_port,
    ):
        folder = Path(name)
        ports = {"grpc_port": grpc_port, "metrics_port": metrics_port}
        config = _config(folder, port, routers, ports | settings)
        environment = _environment(folder, measured) | variables
        scheme = "https" if secure else "http"
        addresses = f"{scheme}://127.0.0.1:{port}", f"127.0.0.1:{grpc_port}"
        options = ["--secure", str(secure)] if secure else []
        running = _start(folder, config, addresses, environment, options)
        running.verify = verify
        try:
            _wait_until_started(running)
            yield running
        finally:
            running.end_console()
            running.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.process.wait(30)
            running.process.kill()
            running.process.wait()


def _wait_until_started(running: RunningService) -> None:
    try:
        wait_until(running.has_started, "the service's start", limit_s=_READY_S)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{running.output()}") from None


def _environment(folder: Path, measured: bool) -> dict[str, str]:
    environment = os.environ | {
        "RAY_TMPDIR": str(folder),
        "RAY_metrics_report_interval_ms": "3000",  # ten seconds would have tests wait
    }
    if not measured:
        environment.pop("PBA_COVERAGE_FOLDER", None)
    return environment


def _start(
    folder: Path,
    config: dict[str, Any],
    addresses: tuple[str, str],
    environment: dict[str, str],
    options: list[str],
) -> RunningService:
    path = folder / "serve.yaml"
    path.write_text(yaml.safe_dump(config))
    with (folder / "screen").open("wb") as screen:
        process = subprocess.Popen(
            [sys.executable, "-m", "deployments", path, "--log", folder / "log", *options],
            env=environment,
            cwd=PROJECT,
            stdout=screen,
            stderr=screen,
        )
    return RunningService(addresses[0], folder, config, process, addresses[1], environment)


def _config(folder: Path, port: int, routers: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Return serve_config.yaml with toy models and an autoscaler in a hurry."""
    config: dict[str, Any] = yaml.safe_load((PROJECT / "serve_config.yaml").read_text())
    config["http_options"]["port"] = port
    for deployment in config["applications"][0]["deployments"]:
        name = deployment["name"]
        scaling = {"upscale_delay_s": 1, "downscale_delay_s": 3, "look_back_period_s": 2}
        scaling |= {"metrics_interval_s": 1, "max_replicas": 2, "target_ongoing_requests": 2}
        if name == "Router":
            scaling = {"min_replicas": routers, "max_replicas": routers}
            deployment["user_config"]["models"] = {
                name: str(folder / name) for name in deployment["user_config"]["models"]
            }
        elif name in _MODELS:
            model = folder / _MODELS[name]
            toy_artifact(model, _MODELS[name])
            deployment["user_config"]["model"] = str(model)
            if deployment["autoscaling_config"]["min_replicas"] == 0:
                scaling["downscale_to_zero_delay_s"] = 3
        else:
            continue
        deployment["autoscaling_config"] |= scaling
    config["applications"][0]["args"] = {
        "max_in_flight": 16,
        "model_deadline_ms": 3000,  # a busy machine is slow
        "store_url": f"sqlite:///{folder}/pba.db",
        "registry": f"{folder}/registry",
        "keys_snapshot": f"{folder}/keys-snapshot.json",
        "score_every_s": 1.0,
        "retrain_address": "http://127.0.0.1:1",  # no cluster of somebody else trains for a test
    } | settings
    return config
