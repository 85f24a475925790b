"""Is an acknowledged sample ever lost, or stored twice? `benchmarks.crash [KILLS [STOPS]]`

Samples are reported without a pause while the router, the two Monitors and, with PostgreSQL, the
database server are killed in turn. Each kill waits until samples are acknowledged again. Then the
acknowledged samples are compared with the stored ones.

On PostgreSQL, in a second run, one of two routers and one of two Monitors is stopped for a minute
in turn, as if its machine were lost. Another process writes samples of the same links meanwhile; it
must not wait for locks that the stopped one holds.
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

import numpy as np

from benchmarks import servers
from pba.client import PBAClient
from pba.errors import PBAError
from pba.store import SampleReport, Store, WriteBatch
from pba.types import NetworkMetrics
from tests.support.postgres import Postgres, postgresql

REPORTERS, BATCH, RECOVERY_S = 4, 20, 90.0
FIRST_S = 1e9
BESIDE_S = FIRST_S - 1e6
STOPPED_S = 60.0
KILLED = ("Router", "Monitor")


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


class WriterBeside(threading.Thread):
    """Writes samples of the reporters' links past the service.

    ``waits_s`` has how long each transaction took, ``failed`` how many ended in an error.
    """

    def __init__(self, store_url: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.store, self.stop = Store(store_url, time.time), stop  # noqa: TID251 - the clock
        self.waits_s: list[float] = []
        self.failed = 0

    def run(self) -> None:
        names = [f"link{number}" for number in range(REPORTERS)]
        row = np.array([[50.0, np.nan, np.nan, np.nan, np.nan]])
        for second in itertools.count():
            if self.stop.wait(0.1):
                break
            times_s = np.array([BESIDE_S + second])
            started = time.monotonic()
            try:
                self.store.write(WriteBatch([SampleReport(name, times_s, row) for name in names]))
            except PBAError as error:
                print(f"\nThe writer beside them: {error}", flush=True)
                self.failed += 1
            self.waits_s.append(time.monotonic() - started)
        self.store.close()


def main(kills: int = 20, stops: int = 20) -> None:
    print("| store | crashes | acknowledged | of these stored | stored twice | failed calls |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="pbac", dir="/tmp") as folder:
        passed = _print_kills("SQLite", f"sqlite:///{folder}/pba.db", kills, [])
    with postgresql() as server:
        passed &= _print_kills("PostgreSQL", server.url, kills, [partial(_restart, server)])
    with postgresql() as server:
        passed &= _print_stops(server.url, stops)
    sys.exit(not passed)


def _print_kills(
    name: str, store_url: str, kills: int, crashes: Sequence[Callable[[], None]]
) -> bool:
    """Print a row of the table; return whether every acknowledged sample is stored once.

    ``crashes`` are kills besides those of the replicas.
    """
    with (
        servers.service(store_url, replicas={"Monitor": 2}) as (url, environment),
        _reporting(url) as reporters,
    ):
        folder = environment["RAY_TMPDIR"]
        replicas = [partial(_kill_replicas, folder, kind) for kind in KILLED]
        _crash_in_turn(kills, [*replicas, *crashes], reporters)
    return _print_row(f"{name}, killed", store_url, kills, reporters)


def _print_stops(store_url: str, stops: int) -> bool:
    """Print the row of replicas that are stopped, and how long the writer beside them waited."""
    stop = threading.Event()
    replicas = {"Monitor": 2, "Router": 2}
    with (
        servers.service(store_url, replicas=replicas) as (url, environment),
        _reporting(url) as reporters,
    ):
        _wait_for_recovery(reporters)
        beside = WriterBeside(store_url, stop)
        beside.start()
        folder = environment["RAY_TMPDIR"]
        crashes = [partial(_stop_replica, folder, kind) for kind in KILLED]
        _crash_in_turn(stops, crashes, reporters)
        stop.set()
        beside.join()
    passed = _print_row("PostgreSQL, stopped for a minute", store_url, stops, reporters)
    waits_ms = np.array(beside.waits_s) * 1000
    print(
        f"\nA writer beside them: {len(waits_ms)} transactions, p99 "
        f"{np.percentile(waits_ms, 99):.0f} ms, longest {waits_ms.max():.0f} ms; "
        f"{beside.failed} failed."
    )
    return passed and not beside.failed and bool(waits_ms.max() <= 3000)


@contextlib.contextmanager
def _reporting(url: str) -> Iterator[list[Reporter]]:
    """Yield reporters that report, until the end."""
    stop = threading.Event()
    reporters = [Reporter(url, f"link{number}", stop) for number in range(REPORTERS)]
    for reporter in reporters:
        reporter.start()
    yield reporters
    stop.set()
    for reporter in reporters:
        reporter.join()


def _print_row(name: str, store_url: str, crashes: int, reporters: list[Reporter]) -> bool:
    acknowledged, stored, duplicates = _compare(store_url, reporters)
    failed = sum(reporter.failed for reporter in reporters)
    cells = (name, crashes, acknowledged, stored, duplicates, failed)
    print(f"| {' | '.join(map(str, cells))} |", flush=True)
    return acknowledged == stored and duplicates == 0


def _crash_in_turn(
    count: int, crashes: Sequence[Callable[[], None]], reporters: list[Reporter]
) -> None:
    for crash in itertools.islice(itertools.cycle(crashes), count):
        _wait_for_recovery(reporters)
        time.sleep(random.uniform(0, 1))
        crash()
    _wait_for_recovery(reporters)


def _compare(store_url: str, reporters: list[Reporter]) -> tuple[int, int, int]:
    """Return how many samples were acknowledged, how many of these are stored, and duplicates."""
    store = Store(store_url, time.time)  # noqa: TID251 - the clock that is passed in
    acknowledged = stored = duplicates = 0
    for reporter in reporters:
        history, _ = store.history(reporter.link_id, FIRST_S, 9e9, 10_000_000)
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
        for number in _replicas(folder, name):
            os.kill(number, signal.SIGKILL)
            killed = True
        if time.monotonic() > limit:
            raise RuntimeError(f"no {name} to kill appeared within {RECOVERY_S:g} s")


def _stop_replica(folder: str, name: str) -> None:
    """Stop one of two replicas for a minute, or until Serve kills it; wait for the second one."""
    limit = time.monotonic() + RECOVERY_S
    while len(replicas := _replicas(folder, name)) < 2:
        if time.monotonic() > limit:
            raise RuntimeError(f"no two of {name} appeared within {RECOVERY_S:g} s")
        time.sleep(0.5)
    number = random.choice(replicas)
    os.kill(number, signal.SIGSTOP)
    time.sleep(STOPPED_S)
    with contextlib.suppress(ProcessLookupError):
        os.kill(number, signal.SIGCONT)


def _replicas(folder: str, name: str) -> list[int]:
    """Return the process numbers of a deployment's replicas."""
    return [
        int(process.name)
        for process in _processes(folder)
        if f"ray::ServeReplica:pba:{name}" in (process / "cmdline").read_text()
    ]


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
