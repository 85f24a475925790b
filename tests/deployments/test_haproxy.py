"""What HAProxy answers by itself, from the configuration that Ray writes, without Ray."""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from ray.serve._private.haproxy import BackendConfig, HAProxyApi, HAProxyConfig, ServerConfig
from ray.serve.config import HTTPOptions

from pba.client import PBAClient
from pba.errors import PBAError
from tests.support.waiting import wait_until

DEPLOYMENTS = Path(__file__).parents[2] / "deployments"
OK = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n"
    + b'{"models":{}}'
)
TEXT = "HTTP/1.1 {} Text\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc"
JSON = (
    "HTTP/1.1 {} Ours\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"
    '{{"error":{{"code":"conflict","message":"ours"}}}}'
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def replica(response: bytes | None) -> Iterator[int]:
    """Yield the port of a healthy server that sends ``response``, or keeps callers waiting."""
    ended = threading.Event()
    server = socket.create_server(("127.0.0.1", 0))

    def answer(connection: socket.socket) -> None:
        with connection:
            health = b"/-/healthz" in connection.recv(65_536)
            if health or response is not None:
                connection.sendall(OK if health else response or b"")
            else:
                ended.wait()

    def serve() -> None:
        with ThreadPoolExecutor(32) as answers:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                answers.submit(answer, connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield int(server.getsockname()[1])
    finally:
        ended.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


@contextmanager
def reading_replica() -> Iterator[int]:
    """Yield the port of a healthy server that answers when it has read the body."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(OK)

        def do_POST(self) -> None:
            left = int(self.headers["Content-Length"])
            while left:
                left -= len(self.rfile.read(min(left, 1 << 16)))
            self.wfile.write(OK)

        def log_message(self, *_: object) -> None:
            """Write no line for each request."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def haproxy(
    folder: Path, replica_port: int | None, prefix: str = "/", **variables: str
) -> Iterator[str]:
    """Yield the URL of a HAProxy before one replica, or before none that was deployed."""
    config = HAProxyConfig(
        socket_path=str(folder / "socket"),
        server_state_base=str(folder),
        server_state_file=str(folder / "state"),
        metrics_port=free_port(),
        stats_port=free_port(),
        metrics_socket_path=str(folder / "metrics"),
        http_options=HTTPOptions(host="127.0.0.1", port=free_port()),
        timeout_server_s=1,
        has_received_routes=True,
        has_received_servers=True,
    )
    backends = {}
    if replica_port is not None:
        servers = [ServerConfig("replica", "127.0.0.1", replica_port)]
        backends["pba"] = BackendConfig("pba", prefix, app_name="pba", servers=servers)
    path = folder / "haproxy.cfg"
    HAProxyApi(config, backends, str(path))._generate_config_file_internal()
    for name in ("haproxy-on-loopback.sh", "haproxy-with-errors.sh"):
        shutil.copy(DEPLOYMENTS / name, folder)
    process = subprocess.Popen(
        [folder / "haproxy-on-loopback.sh", "-db", "-f", path, "-dR"],
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PBA_HAPROXY_BIND": f"127.0.0.1:{config.http_options.port}",
            **variables,
        },
    )
    url = f"http://127.0.0.1:{config.http_options.port}"
    try:
        wait_until(lambda: answers(f"{url}/-/routes"), 20, "an answer of HAProxy")
        yield url
    finally:
        process.terminate()
        process.wait()


def answers(url: str) -> bool:
    try:
        httpx.get(url)
    except httpx.TransportError:
        return False
    return True


def assert_error(url: str, status: int, code: str, retry: bool) -> None:
    """Check that the answer is an error in PBA's form, and that the client reads it so."""
    response = httpx.get(f"{url}/v1/models", headers={"X-Request-ID": "mine"})
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"] == "mine"
    assert response.headers.get("retry-after") == ("1" if retry else None)
    assert response.json()["error"].keys() == {"code", "message"}
    assert response.json()["error"]["code"] == code
    assert httpx.get(f"{url}/v1/models").headers["x-request-id"]
    for strange in ("a" * 200, "a b", "\u00e9", '"', "%0a", "a,b"):
        response = httpx.get(f"{url}/v1/models", headers={"X-Request-ID": strange.encode()})
        assert re.fullmatch("[0-9a-f-]{36}", response.headers["x-request-id"], re.I), strange
    with PBAClient(url, retries=0) as client, pytest.raises(PBAError) as caught:
        client.models()
    assert caught.value.message == response.json()["error"]["message"]


def test_before_anything_is_deployed_the_service_is_unavailable(tmp_path: Path):
    with haproxy(tmp_path, None) as url:
        assert_error(url, 503, "unavailable", retry=True)


def test_without_a_live_replica_the_service_is_unavailable(tmp_path: Path):
    with haproxy(tmp_path, free_port()) as url:
        assert_error(url, 503, "unavailable", retry=True)


def test_a_replica_that_ends_before_it_answers_is_unavailable(tmp_path: Path):
    with replica(b"") as port, haproxy(tmp_path, port) as url:
        assert_error(url, 502, "unavailable", retry=True)


def test_a_replica_that_does_not_answer_in_time_is_unavailable(tmp_path: Path):
    with replica(None) as port, haproxy(tmp_path, port) as url:
        assert_error(url, 504, "unavailable", retry=True)


def test_a_path_outside_the_application_is_not_there(tmp_path: Path):
    with replica(OK) as port, haproxy(tmp_path, port, prefix="/pba") as url:
        assert_error(url, 404, "not_found", retry=False)
        with PBAClient(f"{url}/pba") as client:
            assert client.models() == {}


@pytest.mark.parametrize(
    ("status", "code", "retry"),
    [
        (404, "not_found", False),
        (408, "timeout", False),
        (429, "busy", True),
        (500, "internal", False),
        (503, "unavailable", True),
    ],
)
def test_a_text_of_ray_is_put_into_the_same_form(
    tmp_path: Path, status: int, code: str, retry: bool
):
    with replica(TEXT.format(status).encode()) as port, haproxy(tmp_path, port) as url:
        assert_error(url, status, code, retry)


@pytest.mark.parametrize("status", [404, 409, 429, 500, 503])
def test_an_error_of_the_service_passes_as_it_is(tmp_path: Path, status: int):
    with replica(JSON.format(status, 46).encode()) as port, haproxy(tmp_path, port) as url:
        response = httpx.get(f"{url}/v1/models")
    assert (response.status_code, response.json()["error"]["message"]) == (status, "ours")


def test_large_bodies_share_a_rate_and_small_ones_do_not_wait(tmp_path: Path):
    with (
        reading_replica() as port,
        haproxy(tmp_path, port, PBA_UPLOADS_MB_S="2") as url,
        ThreadPoolExecutor(2) as uploads,
    ):
        began_s = time.monotonic()
        uploading = [uploads.submit(httpx.post, url, content=bytes(4_000_000)) for _ in range(2)]
        for _ in range(5):
            assert httpx.post(url, content=b"{}").status_code == 200
        assert not any(upload.done() for upload in uploading)
        assert [upload.result().status_code for upload in uploading] == [200, 200]
        assert time.monotonic() - began_s > 2.5


def test_a_body_that_comes_byte_by_byte_never_reaches_a_replica(tmp_path: Path):
    with replica(None) as port, haproxy(tmp_path, port) as url:
        address = url.removeprefix("http://").split(":")
        with socket.create_connection((address[0], int(address[1])), timeout=8) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: pba\r\nContent-Length: 9\r\n\r\n{")
            answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"timeout"' in answer
