"""Where does the CPU time of a forecast over HTTP go? Over all processes, before and now.

The parts of the forecast are measured alone, in one process. What remains of the router is the web
framework; what remains of the model's replica is the call from the router.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmarks import load, request_bodies, servers
from pba.types import NetworkMode

SECONDS, WARM_UP_S = 12.0, 5.0
PARTS = ("model", "reading", "planning", "assembling", "writing")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def lines() -> list[str]:
    """Return a table of CPU ms a request, in Markdown."""
    rows = ["| CPU ms a forecast over HTTP, 1 connection | before | now |", "| --- | --- | --- |"]
    with servers.baseline() as before:
        for mode in (NetworkMode.INTERNET, NetworkMode.DATACENTER):
            old, new = (measure(project, mode) for project in (before, servers.PROJECT))
            rows += [f"| {mode}: {name} | {old[name]:.2f} | {new[name]:.2f} |" for name in new]
    return [*rows, ""]


def measure(project: Path, mode: NetworkMode) -> dict[str, float]:
    """Return the CPU ms a request of each part, of the code in ``project``."""
    body = request_bodies.forecast_body(mode)
    parts = _parts(project, mode, body)
    with servers.service(project=project) as (url, environment):
        folder = environment["RAY_TMPDIR"]
        load.run(url, "/v1/forecast", body, 8, WARM_UP_S)
        with _used(folder) as idle_s:
            time.sleep(SECONDS)
        lone, loaded = (_cpu_ms(url, body, count, folder, idle_s) for count in (1, 8))
        router_mb = _router_memory_mb(folder)
    in_router = sum(parts[name] for name in PARTS if name != "model")
    both = lone["router"] + lone["model replica"]
    return {
        **parts,
        "web framework and calls of models": both - parts["model"] - in_router,
        "proxy": lone["proxy"],
        "rest of Ray": lone["rest of Ray"] + lone["Monitor"],
        "total": sum(lone.values()),
        "total with 8 connections": sum(loaded.values()),
        "resident memory of the router, MB": router_mb,
    }


def _cpu_ms(
    url: str, body: bytes, connections: int, folder: str, idle_s: dict[str, float]
) -> dict[str, float]:
    """Return the CPU ms a request of each kind of process, without what it uses when idle."""
    with _used(folder) as used_s:
        result = load.run(url, "/v1/forecast", body, connections, SECONDS)
    return {
        kind: (used_s[kind] - idle_s[kind]) * 1000 / len(result.latency_ms)
        for kind in ("router", "model replica", "proxy", "Monitor", "rest of Ray")
    }


def _parts(project: Path, mode: NetworkMode, body: bytes) -> dict[str, float]:
    script = Path(__file__).with_name("forecast_parts.py")
    process = subprocess.run(
        [sys.executable, str(script), mode],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project), "OMP_NUM_THREADS": "1"},
        input=body,
        stdout=subprocess.PIPE,
        check=True,
    )
    parts: dict[str, float] = json.loads(process.stdout)
    return parts


@contextlib.contextmanager
def _used(folder: str) -> Iterator[dict[str, float]]:
    """Yield a dict that afterwards has the CPU seconds used meanwhile, by kind of process."""
    used: dict[str, float] = defaultdict(float)
    before = cpu_s(folder)
    yield used
    for process, (kind, seconds) in cpu_s(folder).items():
        used[kind] += seconds - before.get(process, (kind, 0.0))[1]


def cpu_s(folder: str) -> dict[str, tuple[str, float]]:
    """Return kind and CPU seconds of each process of the service whose Ray is in ``folder``."""
    usage = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # the process has ended
            if folder.encode() not in (process / "environ").read_bytes():
                continue
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            seconds = (int(fields[11]) + int(fields[12])) / TICKS_PER_S
            usage[process.name] = (_kind(command), seconds)
    return usage


def _router_memory_mb(folder: str) -> float:
    """Return the resident memory of the only router."""
    rows = Path("/proc", router_process(folder), "status").read_text().splitlines()
    (kilobytes,) = (row.split()[1] for row in rows if row.startswith("VmRSS:"))
    return int(kilobytes) / 1024


def router_process(folder: str) -> str:
    """Return the number of the process of the only router."""
    (router,) = (process for process, (kind, _) in cpu_s(folder).items() if kind == "router")
    return router


def _kind(command: str) -> str:
    if ":Monitor" in command:
        return "Monitor"
    if ":Router" in command:
        return "router"
    if "Model" in command and "ServeReplica" in command:
        return "model replica"
    return "proxy" if "haproxy" in command.split(" ")[0] else "rest of Ray"


if __name__ == "__main__":
    print(*lines(), sep="\n")
