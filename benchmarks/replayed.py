"""50 links at once through the service, on both paths: `python -m benchmarks.replayed DIR [LIMIT]`.

Test traces, in turn from each set. Then: are links in the mode that the rule says, and is what is
known of them the same after the whole application was ended and started again?
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
from pba.client import PBAClient
from pba.types import Floats
from pba.types.profile import PROFILES

LINKS, LIMIT = 50, 300
SETTLED_S, GIVE_UP_S = 12.0, 180.0


def main(folder: Path, limit: int = LIMIT) -> None:
    files = [file for mode in PROFILES for file in sorted((folder / mode).glob("*.parquet"))]
    links = links_of(files, LINKS, split="test")
    names = [one.link_id for one in links]
    with tempfile.TemporaryDirectory(prefix="pbar", dir="/tmp") as kept:
        store_url = f"sqlite:///{kept}/pba.db"
        with servers.service(False, store_url) as (url, _):
            began = time.perf_counter()
            fed = asyncio.run(
                replay_links(links, HistorySource.BOTH, url, folder, LINKS, limit=limit)
            )
            took_s = time.perf_counter() - began
            replay_report.print_report(Console(width=100), HistorySource.BOTH.paths, fed)
            print(
                f"\n{LINKS} links, {sum(len(one.outcomes) for one in fed)} moments, {took_s:.0f} s"
            )
            before = settled(url, names)
        with servers.service(False, store_url) as (url, _):
            after = states(url, names)
    right = sum(one["mode"] == ruled(of, limit) for one, of in zip(before, fed, strict=True))
    same = sum(one == other for one, other in zip(before, after, strict=True))
    hits, misses = (sum(one[name] for one in before) for name in ("hits", "misses"))
    print(f"in the mode of the rule: {right} of {LINKS} links")
    print(
        f"scored: {hits + misses} outcomes one step ahead; after a restart the same: {same} links"
    )


def states(url: str, names: list[str]) -> list[dict[str, Any]]:
    with PBAClient(url) as client:
        return [client.link(name) for name in names]


def settled(url: str, names: list[str]) -> list[dict[str, Any]]:
    """Return what is known of links once nothing more is being scored."""
    limit, found = time.monotonic() + GIVE_UP_S, states(url, names)
    while time.monotonic() < limit:
        time.sleep(SETTLED_S)
        before, found = found, states(url, names)
        if before == found:
            return found
    raise RuntimeError(f"still scoring after {GIVE_UP_S} s")


def ruled(fed: LinkReplay, limit: int) -> str:
    """The mode that the rule leaves a link in, written down once more, apart from the code."""
    trace = fed.link.trace
    mode, candidate, checked_s = "", "", -np.inf
    for end in range(2, min(len(trace), limit + 2) + 1):
        now_s = trace.timestamps_s[end - 1]
        if round(now_s - checked_s, 6) >= 10.0:
            checked_s = now_s
            found = named(trace.telemetry[max(0, end - 10) : end])
            if found == mode:
                candidate = ""
            elif not mode or found == candidate:
                mode, candidate = found, ""
            else:
                candidate = found
    return mode


def named(recent: Floats) -> str:
    mbps, rtts = np.mean(recent[:, 0]), recent[:, 1][np.isfinite(recent[:, 1])]
    rtt_ms = np.mean(rtts) if len(rtts) else 0.0
    if rtt_ms > 50.0 or mbps < 1000.0:
        return "internet"
    return "datacenter" if rtt_ms < 10.0 else "hybrid"


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
