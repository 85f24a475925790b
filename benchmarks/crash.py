"""Is an acknowledged sample ever lost, or stored twice? `python -m benchmarks.crash [KILLS]`

Samples are reported without a pause while the router, the Monitor and, where there is one, the
database server are killed in turn, each as soon as all is well again. Then what was acknowledged is
compared with what is stored.
"""

import contextlib
import itertools
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import servers
from pba.client import PBAClient
from pba.errors import PBAError
from pba.store import Store
from pba.types import NetworkMetrics
from tests.support.postgres import Postgres, postgresql

REPORTERS, BATCH, AGAIN_S = 4, 20, 90.0


class Reporter(threading.Thread):
    """Reports samples of one link for as long as it may, and remembers what was acknowledged."""

    def __init__(self, url: str, link_id: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)  # one that is left alone does not keep the program alive
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
        held = _row("SQLite", f"sqlite:///{folder}/pba.db", kills, {})
    with postgresql() as server:
        held &= _row("PostgreSQL", server.url, kills, {"server": lambda: _restart(server)})
    sys.exit(not held)


def _row(name: str, store_url: str, kills: int, more: dict[str, Callable[[], None]]) -> bool:
    """Print what became of the samples; return whether all is well."""
    with servers.service(False, store_url) as (url, environment):
        own = environment["RAY_TMPDIR"]
        victims = {
            name: lambda name=name: _kill_replicas(own, name) for name in ("Router", "Monitor")
        }
        stop = threading.Event()
        reporters = [Reporter(url, f"link{number}", stop) for number in range(REPORTERS)]
        for one in reporters:
            one.start()
        for _, kill in zip(range(kills), itertools.cycle((victims | more).values()), strict=False):
            _wait_for_more(reporters)
            time.sleep(random.uniform(0, 1))
            kill()
        _wait_for_more(reporters)
        stop.set()
        for one in reporters:
            one.join()
    store = Store(store_url, time.monotonic)
    acknowledged = stored = twice = 0
    for one in reporters:
        samples, _ = store.history(one.link_id, 0, 9e9, 10_000_000)
        found = [round(moment - 1e9) for moment in samples.timestamps_s.tolist()]
        acknowledged += len(one.acknowledged)
        stored += len(one.acknowledged & set(found))
        twice += len(found) - len(set(found))
    store.close()
    failed = sum(one.failed for one in reporters)
    cells = (name, kills, acknowledged, stored, twice, failed)
    print(f"| {' | '.join(map(str, cells))} |", flush=True)
    return acknowledged == stored and twice == 0


def _wait_for_more(reporters: list[Reporter]) -> None:
    """Wait until every reporter has had something acknowledged again, so that each kill hits."""
    before = [len(one.acknowledged) for one in reporters]
    limit = time.monotonic() + AGAIN_S
    while any(len(one.acknowledged) == had for one, had in zip(reporters, before, strict=True)):
        if time.monotonic() > limit:
            raise RuntimeError(f"nothing was acknowledged within {AGAIN_S:g} s of a kill")
        time.sleep(0.05)


def _kill_replicas(folder: str, name: str) -> None:
    """Kill the replicas of a deployment; wait for one if the last was killed just now."""
    limit, killed = time.monotonic() + AGAIN_S, False
    while not killed:
        for process in _processes(folder):
            if f"ray::ServeReplica:pba:{name}" in (process / "cmdline").read_text():
                os.kill(int(process.name), signal.SIGKILL)
                killed = True
        if time.monotonic() > limit:
            raise RuntimeError(f"there was no {name} to kill within {AGAIN_S:g} s")


def _processes(folder: str) -> Iterator[Path]:
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone, or not ours to read
            if f"RAY_TMPDIR={folder}".encode() in (process / "environ").read_bytes().split(b"\0"):
                yield process


def _restart(server: Postgres) -> None:
    server.kill()
    time.sleep(1.0)
    server.start()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
