"""Is an acknowledged sample ever lost, or stored twice? `python -m benchmarks.crash [KILLS]`

Samples are reported without a pause while routers, the Monitor and, where there is one, the
database server are killed in turn. Then what was acknowledged is compared with what is stored.
"""

import contextlib
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import servers
from pba.client import PBAClient
from pba.errors import PBAError
from pba.store import Store
from pba.types import NetworkMetrics

REPORTERS, BATCH, BETWEEN_S = 4, 20, 3.0


class Reporter(threading.Thread):
    """Reports samples of one link for as long as it may, and remembers what was acknowledged."""

    def __init__(self, url: str, link_id: str, stop: threading.Event) -> None:
        super().__init__()
        self.client, self.link_id, self.stop = PBAClient(url, 10.0, retries=0), link_id, stop
        self.acknowledged: set[int] = set()
        self.failed = 0

    def run(self) -> None:
        first = 0
        while not self.stop.is_set():
            seconds = range(first, first + BATCH)
            samples = [NetworkMetrics(1e9 + second, 50.0) for second in seconds]
            try:
                self.client.observe(self.link_id, samples)
                self.acknowledged.update(seconds)
                self.client.link_forecast(self.link_id)
            except PBAError:
                self.failed += 1
                time.sleep(0.05)
            first += BATCH


def main(kills: int = 20) -> None:
    print("| store | kills | acknowledged | of these stored | stored twice | calls that failed |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="pbac", dir="/tmp") as folder:
        file = f"sqlite:///{folder}/pba.db"
        print(f"| SQLite | {_row(file, kills, {})} |", flush=True)
    with servers.postgresql() as (url, server):
        print(f"| PostgreSQL | {_row(url, kills, {'server': lambda: _kill_server(server)})} |")


def _row(store_url: str, kills: int, more: dict[str, Callable[[], None]]) -> str:
    with servers.service(False, store_url) as (url, environment):
        own = environment["RAY_TMPDIR"]
        victims = {
            name: lambda name=name: _kill_replicas(own, name) for name in ("Router", "Monitor")
        }
        victims |= more
        stop = threading.Event()
        reporters = [Reporter(url, f"link{number}", stop) for number in range(REPORTERS)]
        for one in reporters:
            one.start()
        for number in range(kills):
            time.sleep(BETWEEN_S)
            list(victims.values())[number % len(victims)]()
        time.sleep(BETWEEN_S)
        stop.set()
        for one in reporters:
            one.join()
    store = Store(store_url, time.monotonic)
    acknowledged = stored = twice = 0
    for one in reporters:
        samples, _ = store.history(one.link_id, 0, 9e9, 1_000_000)
        found = [round(moment - 1e9) for moment in samples.timestamps_s.tolist()]
        acknowledged += len(one.acknowledged)
        stored += len(one.acknowledged & set(found))
        twice += len(found) - len(set(found))
    store.close()
    failed = sum(one.failed for one in reporters)
    return f"{kills} | {acknowledged} | {stored} | {twice} | {failed}"


def _kill_replicas(folder: str, name: str) -> None:
    for process in _processes(folder):
        if f"ray::ServeReplica:pba:{name}" in (process / "cmdline").read_text():
            os.kill(int(process.name), signal.SIGKILL)


def _processes(folder: str) -> Iterator[Path]:
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone, or not ours to read
            if f"RAY_TMPDIR={folder}".encode() in (process / "environ").read_bytes().split(b"\0"):
                yield process


def _kill_server(server: Any) -> None:
    os.kill(server.get_pid(), signal.SIGKILL)
    time.sleep(1.0)
    server.ensure_postgres_running()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
