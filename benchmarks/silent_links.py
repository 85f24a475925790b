"""Do links that fell silent cost anything? `python -m benchmarks.silent_links`, on SQLite.

The loop of 150 links on a new store, and on one with 99 000 links more that have open forecasts and
report nothing. Then the Monitor's CPU time without traffic.
"""

import sqlite3
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import servers
from benchmarks.cpu import cpu_s
from benchmarks.loop import Trial, trial
from pba.scoring.codes import ARMS, MODES
from pba.scoring.forecast_body import pack
from pba.store import Store
from pba.types import NetworkMode

SILENT, SAMPLES, OPEN = 99_000, 5, 3
LINKS, STEPS, IDLE_S = 150, 30, 20.0
PREDICTION = {
    "points_mbps": [20.0] * 3,
    "confidence": [0.8] * 3,
    "unadapted": [0.8] * 3,
    "quantiles_mbps": [[10.0, 12.0, 15.0, 20.0, 25.0, 28.0, 30.0]] * 3,
    "members": {"model": [20.0] * 3},
}

_LINKS = """
INSERT INTO links (link_id, mode, newest_us, heard_us)
WITH RECURSIVE silent(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM silent WHERE n < :count)
SELECT 'silent:' || n, 'internet', :newest_us, :newest_us FROM silent
"""
_SAMPLES = """
INSERT INTO samples (link, at_us, bandwidth_mbps, latency_ms)
WITH RECURSIVE ago(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM ago WHERE n < :count - 1)
SELECT id, newest_us - n * 1000000, 20, 80 FROM links CROSS JOIN ago
"""
_FORECASTS = """
INSERT INTO open_forecasts (link, after_us, arm, version, created_us, mode, source, served,
                            step_s, took_ms, body)
WITH RECURSIVE ago(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM ago WHERE n < :count - 1)
SELECT id, newest_us - n * 1000000, :arm, 1, newest_us - n * 1000000, :mode, 0, 1, 1, 5, :body
  FROM links CROSS JOIN ago
"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="pbab", dir="/tmp") as folder:
        crowded = f"sqlite:///{folder}/crowded.db"
        fill(crowded)
        alone, among = measure(f"sqlite:///{folder}/alone.db"), measure(crowded)
    for name, (loop, _, _) in {"alone": alone, "among silent links": among}.items():
        print(f"{name}: {loop.line()}")
    ratio = _cpu_ms(among[0]) / _cpu_ms(alone[0])
    print(f"CPU a loop beside {SILENT} silent links: {ratio:.2f} of that alone")
    print(f"p50 of forecasts: {_p50(among[0]) / _p50(alone[0]):.2f} of that alone")
    print(f"the Monitor without traffic: {among[1]:.1%} of a core; memory {among[2]}")


def fill(url: str) -> None:
    """Write the silent links; they reported for the last time half a day ago."""
    Store(url, time.time).ready().close()  # noqa: TID251 - the clock that is passed in
    newest_us = round((time.time() - 43_200) * 1e6)  # noqa: TID251
    with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
        database.execute("INSERT INTO versions (id, name) VALUES (1, 'internet-x')")
        database.execute(_LINKS, {"count": SILENT, "newest_us": newest_us})
        database.execute(_SAMPLES, {"count": SAMPLES})
        codes = {"arm": len(ARMS) - 1, "mode": MODES.index(NetworkMode.INTERNET)}
        database.execute(_FORECASTS, {"count": OPEN, "body": pack(PREDICTION)} | codes)


def measure(url: str) -> tuple[Trial, float, str]:
    """Return a loop's figures, the Monitor's share of a core without traffic, and its memory."""
    with servers.service(url) as (address, environment):
        folder = environment["RAY_TMPDIR"]
        before_mb = _memory_mb(folder)
        loop = trial(address, folder, LINKS, STEPS, one_call=False)
        before = _monitor_s(folder)
        time.sleep(IDLE_S)
        share = (_monitor_s(folder) - before) / IDLE_S
        memory = f"{before_mb:.0f} MB before the loop, {_memory_mb(folder):.0f} MB after it"
        return loop, share, memory


def _monitor_s(folder: str) -> float:
    return sum(seconds for kind, seconds in cpu_s(folder).values() if kind == "Monitor")


def _memory_mb(folder: str) -> float:
    """Return the resident memory of router and Monitor together."""
    total = 0
    for process, (kind, _) in cpu_s(folder).items():
        if kind in ("router", "Monitor"):
            rows = Path("/proc", process, "status").read_text().splitlines()
            total += next(int(row.split()[1]) for row in rows if row.startswith("VmRSS:"))
    return total / 1024


def _cpu_ms(loop: Trial) -> float:
    return sum(loop.cpu_s.values())


def _p50(loop: Trial) -> float:
    return float(np.median(loop.figures["forecasts_ms"]))


if __name__ == "__main__":
    main()
