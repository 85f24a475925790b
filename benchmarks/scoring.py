"""What scoring costs in a Monitor, what two cost beside each other, and whether one may be killed.

``python -m benchmarks.scoring`` measures both databases; nothing else may run on the machine.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from pba.monitoring.scorer import Scorer
from pba.store import SampleReport, Store, WriteBatch
from tests.store.builders import stored_forecast
from tests.support.postgres import postgresql

__all__ = ["main"]

LINKS, STEPS, WARM_STEPS = 500, 30, 20
BACKLOG_LINKS, BACKLOG_FORECASTS, BACKLOG_BATCH = 2000, 8, 250
BEFORE, HORIZON = 30, 15
START_S = 1e9
OUTCOMES_OF_BACKLOG = BACKLOG_LINKS * BACKLOG_FORECASTS * 3


def write_samples(store: Store, names: Sequence[str], first: int, count: int, seed: int) -> None:
    """Write one sample a second of links whose rates are noisy."""
    rng = np.random.default_rng([seed, first])
    reports = []
    for name in names:
        telemetry = np.full((count, 5), np.nan)
        telemetry[:, 0] = 50.0 * np.exp(rng.normal(0.0, 0.05, count))
        reports.append(SampleReport(name, START_S + first + np.arange(count), telemetry))
    store.write(WriteBatch(reports))


def write_forecasts(store: Store, names: Sequence[str], after: int, created_s: float) -> None:
    """Write a forecast of each link."""
    forecast = replace(stored_forecast("", after), created_s=created_s)
    store.write(WriteBatch((), [replace(forecast, link_id=name) for name in names]))


def measure_steps(url: str) -> float:
    """Return the CPU (microseconds an outcome) of a Monitor whose links report each second."""
    now = [START_S]
    store = Store(url, lambda: now[0]).ready()
    scorer = Scorer(store, links=LINKS)
    names = [f"link{number:05}" for number in range(LINKS)]
    write_samples(store, names, 0, 2 * BEFORE, seed=0)
    scorer.score_due()
    cpu_s = outcomes = 0.0
    for step in range(STEPS):
        second = 2 * BEFORE + step
        now[0] = START_S + second
        write_forecasts(store, names, second - 1, now[0])
        write_samples(store, names, second, 1, seed=0)
        started_s = time.process_time()
        batch = scorer.score_due()
        if step >= WARM_STEPS:
            cpu_s += time.process_time() - started_s
            outcomes += batch.outcomes
    store.close()
    return cpu_s / outcomes * 1e6


def write_backlog(url: str) -> None:
    """Write links of which many forecasts wait, and all their actuals."""
    store = Store(url, time.time).ready()  # noqa: TID251 - claims run out by it
    created_s = time.time()  # noqa: TID251 - the forecasts are not to be old
    for chunk in np.array_split(np.arange(BACKLOG_LINKS), BACKLOG_LINKS // LINKS):
        names = [f"link{number:05}" for number in chunk.tolist()]
        write_samples(store, names, 0, BEFORE + BACKLOG_FORECASTS + HORIZON, int(chunk[0]))
        for number in range(BACKLOG_FORECASTS):
            write_forecasts(store, names, BEFORE + number - 1, created_s)
    store.close()


def work_as_monitor(url: str) -> None:
    """Score a backlog once a line comes on stdin; print outcomes and CPU seconds."""
    store = Store(url, time.time).ready()  # noqa: TID251 - claims run out by it
    scorer = Scorer(store, links=BACKLOG_BATCH)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    outcomes, started_s = 0, time.process_time()
    while (batch := scorer.score_due()).links:
        outcomes += batch.outcomes
    figures = {"outcomes": outcomes, "cpu_s": time.process_time() - started_s}
    sys.stdout.write(json.dumps(figures) + "\n")
    store.close()


def start_monitors(url: str, count: int) -> list["subprocess.Popen[str]"]:
    """Start Monitors, all at one moment."""
    command = [sys.executable, "-m", "benchmarks.scoring", "--monitor", url]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    monitors = [subprocess.Popen(command, **pipes) for _ in range(count)]
    for monitor in monitors:
        assert monitor.stdout is not None
        monitor.stdout.readline()
    for monitor in monitors:
        assert monitor.stdin is not None
        monitor.stdin.write("go\n")
        monitor.stdin.flush()
    return monitors


def watch_locks(url: str, work_goes_on: Callable[[], bool]) -> tuple[int, int]:
    """Return how often sessions were looked at, and how often one waited for a lock."""
    looks = waits = 0
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with psycopg.connect(url, autocommit=True) as connection:
        while work_goes_on():
            row = connection.execute(waiting).fetchone()
            looks += 1
            waits += bool(row and row[0])
            time.sleep(0.01)
    return looks, waits


def score_backlog(url: str, count: int) -> tuple[float, float]:
    """Return CPU (microseconds an outcome) of ``count`` Monitors, and the share of looks in vain.

    The latter is the share at which one of them waited for a lock.
    """
    empty(url)
    write_backlog(url)
    monitors = start_monitors(url, count)
    looks, waits = watch_locks(url, lambda: any(one.poll() is None for one in monitors))
    figures = [json.loads(monitor.communicate()[0]) for monitor in monitors]
    outcomes = sum(one["outcomes"] for one in figures)
    if outcomes != OUTCOMES_OF_BACKLOG:
        raise RuntimeError(f"{outcomes} outcomes, {OUTCOMES_OF_BACKLOG} were due")
    return sum(one["cpu_s"] for one in figures) / outcomes * 1e6, waits / looks


def kill_one(url: str) -> tuple[int, int]:
    """Kill one of two Monitors at work; return the outcomes that are stored and that were due."""
    empty(url)
    write_backlog(url)
    monitors = start_monitors(url, 2)
    stored = "SELECT coalesce(sum(scored), 0) FROM aggregate_deltas"
    with psycopg.connect(url, autocommit=True) as connection:
        while not scored(connection, stored):
            time.sleep(0.005)
        os.kill(monitors[0].pid, signal.SIGKILL)
        for monitor in monitors:
            monitor.communicate()
        left = scored(connection, "SELECT count(*) FROM due_links")
        time.sleep(31.0 if left else 0.0)  # its claims run out
        (rest,) = start_monitors(url, 1)
        rest.communicate()
        return scored(connection, stored), OUTCOMES_OF_BACKLOG


def scored(connection: "psycopg.Connection[Any]", query: str) -> int:
    """Return the number that a query returns."""
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def empty(url: str) -> None:
    """Empty the database of a server."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--monitor", help="be a Monitor of the store at this URL")
    options = parser.parse_args()
    if options.monitor:
        work_as_monitor(options.monitor)
        return
    write = sys.stdout.write
    with tempfile.TemporaryDirectory() as folder, postgresql() as server:
        write("| a Monitor's CPU | microseconds an outcome |\n| --- | --- |\n")
        write(f"| SQLite | {measure_steps(f'sqlite:///{Path(folder)}/pba.db'):.0f} |\n")
        write(f"| PostgreSQL | {measure_steps(server.url):.0f} |\n")
        one, _ = score_backlog(server.url, 1)
        two, waits = score_backlog(server.url, 2)
        write(f"| a stored backlog, one Monitor | {one:.0f} |\n")
        write(f"| two beside each other | {two:.0f} ({two / one:.2f} times) |\n\n")
        write(f"Two Monitors: {waits:.1%} of looks find a session that waits for a lock.\n")
        stored, due = kill_one(server.url)
        write(f"One of two killed with SIGKILL: {stored} outcomes stored, {due} were due.\n")


if __name__ == "__main__":
    main()
