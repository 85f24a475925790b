"""Deploy on a Ray of this process, and follow the start until the service answers."""

import os
import shlex
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import httpx

from .local_profile import LOOPBACK
from .ray_token import program_variables
from .screen import Screen, relevant_lines

if TYPE_CHECKING:
    from ray.serve.schema import ApplicationStatusOverview

__all__ = ["Endpoints", "StartError", "program_lines", "start", "stop"]

_TLS_OF_RAY = (
    *("RAY_USE_TLS", "RAY_TLS_CA_CERT"),
    *("RAY_TLS_SERVER_CERT", "RAY_TLS_SERVER_KEY"),
)
_CPUS = 4  # logical: replicas of half a CPU each must fit on the smallest machine
_POLL_S = 0.25
_PATIENCE_S = 5.0  # how long a started service may be unready before the reason is shown
_LONGEST_WAIT_S = 20.0


class StartError(Exception):
    """The service cannot start; `details` are the lines that say why."""

    def __init__(self, message: str, details: list[str]) -> None:
        super().__init__(message)
        self.details = details


@dataclass(frozen=True)
class Endpoints:
    """The service's URL, `host:port` of gRPC or an empty string, and the URL of its store.

    On ``metrics_port`` of loopback Ray has the metrics for Prometheus.
    ``socket`` is where this user reaches it without TLS, if it has TLS. ``curl`` and ``pba`` are
    the options with which these call it.
    """

    url: str
    grpc: str
    store: str
    metrics_port: int = 0
    socket: Path | None = None
    curl: str = ""
    pba: str = ""

    def lines(self, pba: str) -> list[str]:
        """Return where the service answers and what to try next, ``pba`` being the command."""
        option = "" if self.url == "http://127.0.0.1:8000" else f" --url {self.url}"
        curl = self.curl or (" --cacert CA.pem" if self.socket else "")
        return [
            f"  HTTP     {self.url}",
            f"  docs     {self.url}/docs",
            f"  console  {self.url}/console",
            f"  gRPC     {self.grpc or 'off (PBA_GRPC_PORT=0)'}",
            f"  store    {self.store}",
            f"  metrics  http://{LOOPBACK}:{self.metrics_port}/metrics",
            "Next, in another terminal:",
            f"  curl -s{curl} {self.url}/v1/models",
            f"  {pba} forecast FILE.csv{option}{self.pba}",
        ]


def start(config: Path, application: str, endpoints: Endpoints, screen: Screen) -> str | None:
    """Start Ray, deploy ``config``, and return when ``application`` answers.

    Returns why it is not ready if that lasts, such as a store that is away: forecasts from given
    histories are served without it.

    Raises
    ------
    StartError
        If Ray Serve gives the application up.
    """
    import ray
    from ray import serve
    from ray.serve.scripts import run

    ray.init(
        address="local",
        namespace="serve",
        num_cpus=max(_CPUS, os.cpu_count() or 1),
        include_dashboard=False,
        _metrics_export_port=endpoints.metrics_port,
    )
    for number in (signal.SIGINT, signal.SIGTERM):  # after Ray, which sets its own
        signal.signal(number, _interrupt)
    screen.step("Ray runs")
    try:
        run.main([str(config), "--non-blocking"], standalone_mode=False)
    except SystemExit:  # it has printed the traceback, which is in the log
        text = screen.log.read_text(errors="replace") if screen.log else ""
        raise StartError("Ray Serve refuses the configuration.", relevant_lines(text)) from None
    progress = Progress(screen)
    while not progress.running(serve.status().applications.get(application)):
        time.sleep(_POLL_S)
    return _wait_until_ready(lambda: _unready(endpoints), screen)


def program_lines() -> list[str]:
    """Return what another program needs to join the Ray that `start` has started."""
    import ray

    address = ray.get_runtime_context().gcs_address
    variables = program_variables(address, Path(os.environ["RAY_AUTH_TOKEN_PATH"]))
    variables |= {name: value for name, value in os.environ.items() if name in _TLS_OF_RAY}
    words = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    return ["Another Ray program of this user joins with:", f"  export {words}"]


def stop() -> None:
    """Stop the application, Serve and Ray."""
    import ray
    from ray import serve

    if ray.is_initialized():
        serve.shutdown()  # type: ignore[no-untyped-call]
        ray.shutdown()


class Progress:
    """Shows each deployment once, when it is healthy."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._healthy: set[str] = set()

    def running(self, application: "ApplicationStatusOverview | None") -> bool:
        """Show what has become healthy; return whether the whole application runs.

        Raises
        ------
        StartError
            If the application has failed for good.
        """
        if application is None:
            return False
        status = application.status.value
        if status == "DEPLOY_FAILED":
            lines = relevant_lines(_reason(application))
            raise StartError("Ray Serve could not deploy the application.", lines)
        replicas = {
            name: sum(deployment.replica_states.values())
            for name, deployment in application.deployments.items()
            if deployment.status.value == "HEALTHY"
        }
        self._show(replicas)
        return status == "RUNNING"

    def _show(self, replicas: Mapping[str, int]) -> None:
        for name in sorted(replicas.keys() - self._healthy):
            self._healthy.add(name)
            self._screen.step(f"{name} runs" if replicas[name] else f"{name} starts when needed")


def _reason(application: "ApplicationStatusOverview") -> str:
    """Return the most specific message: that of a deployment which failed, or the application's."""
    failed = [
        deployment.message
        for deployment in application.deployments.values()
        if deployment.status.value in ("DEPLOY_FAILED", "UNHEALTHY") and deployment.message
    ]
    return failed[0] if failed else application.message


def _unready(endpoints: Endpoints) -> str | None:
    """Return why the service is not ready, or None if it is."""
    url = "http://localhost" if endpoints.socket else endpoints.url
    transport = httpx.HTTPTransport(uds=str(endpoints.socket)) if endpoints.socket else None
    try:  # no proxy reaches this machine
        with httpx.Client(transport=transport, trust_env=False, timeout=2) as client:
            response = client.get(f"{url}/readyz")
        if response.status_code == 200:
            return None
        return str(response.json()["error"]["message"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        return f"no answer at {endpoints.url} ({type(error).__name__})"


def _wait_until_ready(unready: Callable[[], str | None], screen: Screen) -> str | None:
    """Wait until ``unready`` returns None; show a reason that lasts, and return it in the end."""
    shown, since = None, time.monotonic()
    while (reason := unready()) is not None:
        waited_s = time.monotonic() - since
        if reason != shown and waited_s > _PATIENCE_S:
            screen.step(f"waiting: {reason}")
            shown = reason
        if waited_s > _LONGEST_WAIT_S:
            return reason
        time.sleep(_POLL_S)
    return None


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt
