"""The processes of a running service: their sockets, and programs that look at or kill them."""

import contextlib
import ipaddress
import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tests.support.service import RunningService

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
    """Return name, address and port of every listening socket of the service's processes."""
    sockets: dict[str, str] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # the process has ended
            if str(service.folder).encode() in (process / "environ").read_bytes():
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
