"""HAProxy with the configuration that Ray writes and our scripts change, without Ray."""

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from ray.serve._private.haproxy import BackendConfig, HAProxyApi, HAProxyConfig, ServerConfig
from ray.serve.config import HTTPOptions

from deployments import local_profile
from deployments.local_profile import HAPROXY_FILES
from tests.support.waiting import wait_until

OK = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n"
    + b'{"models":{}}'
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def replica(response: Callable[[bytes], bytes | None]) -> Iterator[int]:
    """Yield the port of a healthy server: it sends ``response(request)``; None keeps waiting."""
    ended = threading.Event()
    server = socket.create_server(("127.0.0.1", 0))

    def serve_one(connection: socket.socket) -> None:
        with connection:
            request = connection.recv(65_536)
            health = b"/-/healthz" in request
            answer = OK if health else response(request)
            if answer is not None:
                connection.sendall(answer)
            else:
                ended.wait()

    def serve() -> None:
        with ThreadPoolExecutor(32) as connections:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                connections.submit(serve_one, connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield int(server.getsockname()[1])
    finally:
        ended.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def write_config(
    folder: Path,
    replica_port: int | None,
    prefix: str = "/",
    host: str = "127.0.0.1",
    timeout_s: int = 1,
) -> tuple[Path, HAProxyConfig]:
    """Write what Ray would before one replica, or before none; return the file and its options."""
    config = HAProxyConfig(
        socket_path=str(folder / "socket"),
        server_state_base=str(folder),
        server_state_file=str(folder / "state"),
        metrics_port=free_port(),
        stats_port=free_port(),
        metrics_socket_path=str(folder / "metrics"),
        http_options=HTTPOptions(host=host, port=free_port()),
        timeout_server_s=timeout_s,
        has_received_routes=True,
        has_received_servers=True,
    )
    backends = {}
    if replica_port is not None:
        servers = [ServerConfig("replica", "127.0.0.1", replica_port)]
        backends["pba"] = BackendConfig("pba", prefix, app_name="pba", servers=servers)
    path = folder / "haproxy.cfg"
    HAProxyApi(config, backends, str(path))._generate_config_file_internal()
    return path, config


def copy_scripts(folder: Path) -> Path:
    """Copy our scripts into ``folder``; return the one that Ray calls."""
    for name in HAPROXY_FILES:
        shutil.copy(Path(local_profile.__file__).with_name(name), folder)
    return folder / HAPROXY_FILES[0]


def script_environment(**variables: str) -> dict[str, str]:
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"} | variables


@contextmanager
def haproxy(
    folder: Path, replica_port: int | None, prefix: str = "/", **variables: str
) -> Iterator[str]:
    """Yield the URL of a HAProxy before one replica, or before none that was deployed.

    ``variables`` are of the environment of our scripts.
    """
    with haproxy_process(folder, replica_port, prefix, **variables) as (url, _):
        yield url


@contextmanager
def haproxy_process(
    folder: Path,
    replica_port: int | None,
    prefix: str = "/",
    timeout_s: int = 1,
    **variables: str,
) -> Iterator[tuple[str, int]]:
    """Yield the URL of `haproxy`, which waits ``timeout_s`` for a replica, and its process."""
    path, config = write_config(folder, replica_port, prefix, timeout_s=timeout_s)
    address = f"127.0.0.1:{config.http_options.port}"
    script = copy_scripts(folder)
    ray_calls = {"RAY_SERVE_HAPROXY_BINARY_PATH": str(script)}  # as Ray finds it on a cluster
    process = subprocess.Popen(
        [script, "-db", "-f", path, "-dR"],
        env=script_environment(PBA_HAPROXY_BIND=address, **ray_calls, **variables),
    )
    try:
        wait_until(lambda: _listens(config.http_options.port), "HAProxy")
        scheme = "https" if "PBA_TLS_CERT" in variables else "http"
        yield f"{scheme}://{address}", process.pid
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def certificate_serial(address: str) -> int:
    """Return the serial number of the certificate that ``host:port`` shows now."""
    host, _, port = address.rpartition(":")
    pem = ssl.get_server_certificate((host, int(port)))
    return x509.load_pem_x509_certificate(pem.encode()).serial_number
