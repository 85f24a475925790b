"""The processes of a running service: their sockets, and programs that look at or kill them."""

import contextlib
import ipaddress
import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psutil

from deployments.local_profile import PORT_BLOCKS
from tests.support.service import RunningService

_OWN_PORTS = range(PORT_BLOCKS.start, PORT_BLOCKS.stop)

# Sends a signal to every replica of a deployment; the service's console runs it and replies their
# processes.
_SIGNAL = """
import os
from ray._private.state import actors
pids = [a["Pid"] for a in actors().values()
        if a["State"] == "ALIVE" and "#{}#" in a["Name"] and a["Name"].startswith("SERVE_REPLICA")]
for pid in pids:
    os.kill(pid, {:d})
reply(pids)
"""

# Replies how many replicas of each model run.
REPLICAS = """
app = serve.status().applications["pba"]
reply({name: deployment.replica_states.get("RUNNING", 0)
       for name, deployment in app.deployments.items() if name.endswith("Model")})
"""

# Replies the processes of the routers.
ROUTERS = """
from ray._private.state import actors
reply([a["Pid"] for a in actors().values() if a["State"] == "ALIVE" and "#Router#" in a["Name"]])
"""


def kill(service: RunningService, deployment: str) -> list[int]:
    """Kill every replica of a deployment; return their processes."""
    pids: list[int] = service.program(_SIGNAL.format(deployment, signal.SIGKILL))
    return pids


def routers(service: RunningService) -> dict[int, str]:
    """Return the process of each router replica, and where it answers HTTP by itself."""
    urls = {}
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error):  # gone in the meantime
            if (
                "ray::ServeReplica:pba:Router" in " ".join(process.info["cmdline"] or ())
                and process.environ().get("RAY_TMPDIR") == str(service.folder)
                and (port := _own_http_port(process))
            ):
                urls[process.pid] = f"http://127.0.0.1:{port}"
    return urls


def _own_http_port(process: psutil.Process) -> int | None:
    sockets = process.net_connections("tcp")
    ports = (socket.laddr.port for socket in sockets if socket.status == psutil.CONN_LISTEN)
    return next((port for port in ports if port in _OWN_PORTS), None)


@contextlib.contextmanager
def locked_store(service: RunningService) -> Iterator[None]:
    """Hold the SQLite file's lock, for less than 5 s: calls that write wait, and use no CPU."""
    with contextlib.closing(sqlite3.connect(service.folder / "pba.db", timeout=30)) as connection:
        connection.isolation_level = None
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.rollback()


def listening(service: RunningService) -> set[tuple[str, str, int]]:
    """Return name, address and port of every listening socket of the service's processes.

    They are those below the command's and those with its folder in their environment, which Ray's
    agents overwrite when they write their title.
    """
    below = {child.pid for child in psutil.Process(service.process.pid).children(recursive=True)}
    sockets: dict[str, str] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # the process has ended
            named = str(service.folder).encode() in (process / "environ").read_bytes()
            if named or int(process.name) in below:
                name = (process / "comm").read_text().strip()
                sockets |= {os.readlink(file): name for file in (process / "fd").iterdir()}
    rows = [
        row.split()
        for table in ("tcp", "tcp6")
        for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    return {
        (sockets[f"socket:[{row[9]}]"], *endpoint(row[1]))
        for row in rows
        if row[3] == "0A" and f"socket:[{row[9]}]" in sockets  # 0A: listening
    }


def endpoint(text: str) -> tuple[str, int]:
    """Return address and port of /proc/net/tcp, which writes words in the machine's byte order."""
    hexadecimal, port = text.split(":")
    words = bytes.fromhex(hexadecimal)
    swapped = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))
    address = ipaddress.ip_address(swapped)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address), int(port, 16)
