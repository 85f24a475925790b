"""What does TLS cost? CPU of HAProxy and of the server behind it, and of a server with TLS itself.

HAProxy runs on the configuration that Ray writes, changed by our scripts, before the bare server,
which costs less than a router: what is added by TLS is the same. `python -m benchmarks.tls`.
"""

import contextlib
import http.client
import os
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import request_bodies
from deployments.local_authority import Issued, LocalAuthority
from pba.types import NetworkMode
from tests.support.haproxy import free_port, haproxy_process
from tests.support.waiting import wait_until

CALLS, CONNECTIONS, ROUNDS = 10_000, 1_000, 5
NAMES = ("HAProxy", "HAProxy with TLS", "the server alone", "the server with TLS itself")
TIMEOUT_S = 60  # another program may have the cores for a while
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Target:
    """Where calls go, and the processes that answer them."""

    url: str
    processes: tuple[int, ...]

    def cpu_s(self) -> float:
        return sum(map(_cpu_s, self.processes))


def lines() -> list[str]:
    """Return a table in Markdown."""
    calls, connections = measure()
    rows = [
        f"| CPU of all processes that answer, {CALLS} calls on one kept-alive connection and "
        f"{CONNECTIONS} calls on as many new ones | ms a call | ms a call on a new connection |",
        "| --- | --- | --- |",
    ]
    rows += [f"| {name} | {calls[name]:.3f} | {connections[name]:.2f} |" for name in NAMES]
    by_haproxy, by_server = (
        calls[secure] - calls[plain] for plain, secure in (NAMES[:2], NAMES[2:])
    )
    added = f"TLS adds {by_haproxy:.3f} ms a call by HAProxy, {by_server:.3f} ms by the server."
    return [*rows, "", added, ""]


def measure() -> tuple[dict[str, float], dict[str, float]]:
    """Return the CPU ms a call of each target: on a kept connection, and on new ones."""
    body = request_bodies.forecast_body(NetworkMode.INTERNET)
    calls, connections = (dict.fromkeys(NAMES, 0.0) for _ in range(2))
    with _targets() as (targets, context):
        for target in targets.values():
            _call(target.url, context, body, 200, kept=True)
        for _ in range(ROUNDS):  # in turns, so that whatever else the machine does meets all
            for name, target in targets.items():
                for sums, count, kept in ((calls, CALLS, True), (connections, CONNECTIONS, False)):
                    before = target.cpu_s()
                    _call(target.url, context, body, count // ROUNDS, kept)
                    sums[name] += (target.cpu_s() - before) * 1000 / count
    return calls, connections


def _call(url: str, context: ssl.SSLContext, body: bytes, count: int, kept: bool) -> None:
    parts = urlsplit(url)
    connection: http.client.HTTPConnection | None = None
    for _ in range(count):
        if connection is None:
            connection = (
                http.client.HTTPSConnection(parts.netloc, context=context)
                if parts.scheme == "https"
                else http.client.HTTPConnection(parts.netloc)
            )
        connection.request("POST", "/v1/forecast", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise RuntimeError(f"{url} answered {response.status}")
        if not kept:
            connection.close()
            connection = None
    if connection is not None:
        connection.close()


@contextlib.contextmanager
def _targets() -> Iterator[tuple[dict[str, Target], ssl.SSLContext]]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pbab", dir="/tmp")))
        authority = LocalAuthority.create(folder / "authority")
        files = authority.issue("service", ["127.0.0.1"])
        plain = stack.enter_context(_server(None))
        secure = stack.enter_context(_server(files))
        port = urlsplit(plain.url).port
        variables = {"PBA_TLS_CERT": str(files.cert), "PBA_TLS_KEY": str(files.key)}
        before: list[Target] = []
        for name, environment in (("plain", {}), ("secure", variables)):
            place = folder / name
            place.mkdir()
            running = haproxy_process(place, port, timeout_s=TIMEOUT_S, **environment)
            url, process = stack.enter_context(running)
            before.append(Target(url, (process, *plain.processes)))
        context = ssl.create_default_context(cafile=authority.ca)
        context.options |= ssl.OP_NO_TICKET  # each new connection is a whole handshake
        yield dict(zip(NAMES, (*before, plain, secure), strict=True)), context


@contextlib.contextmanager
def _server(files: Issued | None) -> Iterator[Target]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.bare", str(port)]
    command += [str(files.cert), str(files.key)] if files else []
    process = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
    url = f"{'https' if files else 'http'}://127.0.0.1:{port}"
    try:
        wait_until(lambda: _listens(port), "the server")
        yield Target(url, (process.pid,))
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError):
        http.client.HTTPConnection("127.0.0.1", port, timeout=1).connect()
        return True
    return False


def _cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


if __name__ == "__main__":
    print(*lines(), sep="\n")
