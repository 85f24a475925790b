"""Is an acknowledged sample ever lost, or stored twice? `python -m benchmarks.crash [KILLS]`

Samples are reported without a pause while the router, the Monitor and, with PostgreSQL, the
database server are killed in turn. Each kill waits until samples are acknowledged again. Then the
acknowledged samples are compared with the stored ones.
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
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks import servers
from pba.client import PBAClient
from pba.errors import PBAError
from pba.store import Store
from pba.types import NetworkMetrics
from tests.support.postgres import Postgres, postgresql

REPORTERS, BATCH, RECOVERY_S = 4, 20, 90.0
FIRST_S = 1e9


class Reporter(threading.Thread):
    """Reports samples of one link until ``stop`` is set, and records the acknowledged ones."""

    def __init__(self, url: str, link_id: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)  # an error in the main thread ends the program
        self.client, self.link_id, self.stop = PBAClient(url, 10.0, retries=0), link_id, stop
        self.acknowledged: set[int] = set()
        self.failed = 0

    def run(self) -> None:
        first = 0
        while not self.stop.is_set():
            seconds = range(first, first + BATCH)
            samples = [NetworkMetrics(FIRST_S + second, 50.0) for second in seconds]
            try:
                self.client.observe(self.link_id, samples)
                self.acknowledged.update(seconds)
                self.client.link_forecast(self.link_id)
            except PBAError:
                self.failed += 1
                time.sleep(0.05)
            first += BATCH


def main(kills: int = 20) -> None:
    print("| store | kills | acknowledged | of these stored | stored twice | failed calls |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="pbac", dir="/tmp") as folder:
        passed = print_row("SQLite", f"sqlite:///{folder}/pba.db", kills, [])
    with postgresql() as server:
        passed &= print_row("PostgreSQL", server.url, kills, [partial(_restart, server)])
    sys.exit(not passed)


def print_row(name: str, store_url: str, kills: int, crashes: Sequence[Callable[[], None]]) -> bool:
    """Print a row of the table; return whether every acknowledged sample is stored once.

    ``crashes`` are kills besides those of the replicas.
    """
    with servers.service(store_url) as (url, environment):
        stop = threading.Event()
        reporters = [Reporter(url, f"link{number}", stop) for number in range(REPORTERS)]
        for reporter in reporters:
            reporter.start()
        folder = environment["RAY_TMPDIR"]
        replicas = [partial(_kill_replicas, folder, kind) for kind in ("Router", "Monitor")]
        _kill_in_turn(kills, [*replicas, *crashes], reporters)
        stop.set()
        for reporter in reporters:
            reporter.join()
    acknowledged, stored, duplicates = _compare(store_url, reporters)
    failed = sum(reporter.failed for reporter in reporters)
    cells = (name, kills, acknowledged, stored, duplicates, failed)
    print(f"| {' | '.join(map(str, cells))} |", flush=True)
    return acknowledged == stored and duplicates == 0


def _kill_in_turn(
    kills: int, crashes: Sequence[Callable[[], None]], reporters: list[Reporter]
) -> None:
    for crash in itertools.islice(itertools.cycle(crashes), kills):
        _wait_for_recovery(reporters)
        time.sleep(random.uniform(0, 1))
        crash()
    _wait_for_recovery(reporters)


def _compare(store_url: str, reporters: list[Reporter]) -> tuple[int, int, int]:
    """Return how many samples were acknowledged, how many of these are stored, and duplicates."""
    store = Store(store_url, time.time)  # noqa: TID251 - the clock that is passed in
    acknowledged = stored = duplicates = 0
    for reporter in reporters:
        history, _ = store.history(reporter.link_id, 0, 9e9, 10_000_000)
        seconds = [round(timestamp_s - FIRST_S) for timestamp_s in history.timestamps_s.tolist()]
        acknowledged += len(reporter.acknowledged)
        stored += len(reporter.acknowledged & set(seconds))
        duplicates += len(seconds) - len(set(seconds))
    store.close()
    return acknowledged, stored, duplicates


def _wait_for_recovery(reporters: list[Reporter]) -> None:
    """Wait until every reporter has another acknowledged sample: each kill must hit a load."""
    before = [len(reporter.acknowledged) for reporter in reporters]
    limit = time.monotonic() + RECOVERY_S
    while any(
        len(reporter.acknowledged) == count
        for reporter, count in zip(reporters, before, strict=True)
    ):
        if time.monotonic() > limit:
            raise RuntimeError(f"nothing was acknowledged within {RECOVERY_S:g} s of a kill")
        time.sleep(0.05)


def _kill_replicas(folder: str, name: str) -> None:
    """Kill the replicas of a deployment; wait for one that is just being restarted."""
    limit, killed = time.monotonic() + RECOVERY_S, False
    while not killed:
        for process in _processes(folder):
            if f"ray::ServeReplica:pba:{name}" in (process / "cmdline").read_text():
                os.kill(int(process.name), signal.SIGKILL)
                killed = True
        if time.monotonic() > limit:
            raise RuntimeError(f"no {name} to kill appeared within {RECOVERY_S:g} s")


def _processes(folder: str) -> Iterator[Path]:
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or another user owns it
            if f"RAY_TMPDIR={folder}".encode() in (process / "environ").read_bytes().split(b"\0"):
                yield process


def _restart(server: Postgres) -> None:
    server.kill()
    time.sleep(1.0)
    server.start()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
