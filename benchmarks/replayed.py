"""Replay of 50 links at once, on both paths: `python -m benchmarks.replayed DIR [LIMIT]`.

Test traces, in turn from each set. Then it checks that links are in the mode of the rule, and that
their state is the same after a restart of the whole application.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks import servers
from pba.cli import replay_report
from pba.cli.replay_links import HistorySource, LinkReplay, links_of, replay_links
from pba.client import AsyncPBAClient, PBAClient
from pba.types import Floats
from pba.types.profile import PROFILES

LINKS, LIMIT = 50, 300
SETTLED_S, GIVE_UP_S = 12.0, 180.0


def main(folder: Path, limit: int = LIMIT) -> None:
    files = [file for mode in PROFILES for file in sorted((folder / mode).glob("*.parquet"))]
    links = links_of(files, LINKS, split="test")
    names = [one.link_id for one in links]
    with tempfile.TemporaryDirectory(prefix="pbar", dir="/tmp") as store_folder:
        store_url = f"sqlite:///{store_folder}/pba.db"
        with servers.service(store_url) as (url, _):
            client, started = AsyncPBAClient(url), time.perf_counter()
            fed = asyncio.run(
                replay_links(links, HistorySource.BOTH, client, folder, LINKS, limit=limit)
            )
            took_s = time.perf_counter() - started
            replay_report.print_report(Console(width=100), HistorySource.BOTH.paths, fed)
            print(
                f"\n{LINKS} links, {sum(len(one.outcomes) for one in fed)} moments, {took_s:.0f} s"
            )
            before = wait_for_scoring(url, names)
        with servers.service(store_url) as (url, _):
            after = states(url, names)
    right = sum(
        state["mode"] == expected_mode(replay, limit)
        for state, replay in zip(before, fed, strict=True)
    )
    same = sum(one == other for one, other in zip(before, after, strict=True))
    hits, misses = (sum(one[name] for one in before) for name in ("hits", "misses"))
    print(f"in the mode of the rule: {right} of {LINKS} links")
    print(
        f"scored: {hits + misses} outcomes one step ahead; after a restart the same: {same} links"
    )


def states(url: str, names: list[str]) -> list[dict[str, Any]]:
    with PBAClient(url) as client:
        return [client.link(name) for name in names]


def wait_for_scoring(url: str, names: list[str]) -> list[dict[str, Any]]:
    """Return the states of links once they no longer change."""
    deadline, current = time.monotonic() + GIVE_UP_S, states(url, names)
    while time.monotonic() < deadline:
        time.sleep(SETTLED_S)
        before, current = current, states(url, names)
        if before == current:
            return current
    raise RuntimeError(f"still scoring after {GIVE_UP_S} s")


def expected_mode(replay: LinkReplay, limit: int) -> str:
    """Return the last mode of a link by the rule, implemented independently of the code."""
    trace = replay.link.trace
    mode, candidate, checked_s = "", "", -np.inf
    for end in range(2, min(len(trace), limit + 2) + 1):
        now_s = trace.timestamps_s[end - 1]
        if round(now_s - checked_s, 6) >= 10.0:
            checked_s = now_s
            detected = detect(trace.telemetry[max(0, end - 10) : end])
            if detected == mode:
                candidate = ""
            elif not mode or detected == candidate:
                mode, candidate = detected, ""
            else:
                candidate = detected
    return mode


def detect(recent: Floats) -> str:
    mbps, rtts = np.mean(recent[:, 0]), recent[:, 1][np.isfinite(recent[:, 1])]
    rtt_ms = np.mean(rtts) if len(rtts) else 0.0
    if rtt_ms > 50.0 or mbps < 1000.0:
        return "internet"
    return "datacenter" if rtt_ms < 10.0 else "hybrid"


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
