"""What slow work costs forecasts and the kill switch: `python -m benchmarks.bulkheads`.

Small forecasts and `PUT /v1/flags`, alone and beside: bulk calls of 10 000 histories; ten callers
that loop over reports; the deletion of a link of 2.6 million samples; the tidying of a day. All in
one run, on a SQLite file.
"""

import asyncio
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import numpy as np
from sqlalchemy import text

from benchmarks import load, servers
from benchmarks.request_bodies import bulk_columns_body, forecast_body
from pba.store import SampleReport, Store, WriteBatch
from pba.store.engine import connect, transaction
from pba.types import NetworkMode

SECONDS = 12.0
RATE = 20.0
LINKS = 10_000
LONG, LONG_SAMPLES = "long", 2_600_000
OLD_LINKS, OLD_SAMPLES = "link-1__", 8640  # a hundred
DELETION = "the deletion of 2.6 million samples"
DAY_S = 86_400.0
REPORTS = ("/v1/rollout", "/v1/metrics", f"/v1/links?limit={LINKS}")

_COPIES = """
INSERT INTO samples (link, at_us, bandwidth_mbps, latency_ms)
WITH RECURSIVE ago(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM ago WHERE n < {count})
SELECT id, newest_us - {gap_us} - n * 1000000, 20, 30
  FROM links CROSS JOIN ago WHERE link_id LIKE '{name}'
"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="pbab", dir="/tmp") as folder:
        store_url = f"sqlite:///{folder}/pba.db"
        fill(store_url)
        with servers.service(store_url=store_url) as (url, _):
            print(table(url, store_url))


def fill(store_url: str) -> None:
    """Store the links, one with very many samples."""
    store = Store(store_url, _clock).ready()
    row = np.array([[20.0, 30.0, np.nan, np.nan, np.nan]])
    names = [LONG, *(f"link-{index}" for index in range(LINKS - 1))]
    now_s = np.array([_clock()])
    for first in range(0, LINKS, 2000):
        store.write(
            WriteBatch([SampleReport(name, now_s, row) for name in names[first : first + 2000]])
        )
    store.close()
    _copy(store_url, LONG, LONG_SAMPLES, 0.0)


def _copy(store_url: str, links: str, count: int, gap_s: float) -> None:
    """Give each of ``links`` so many samples that end ``gap_s`` before its newest."""
    engine = connect(store_url)
    copies = _COPIES.format(count=count, name=links, gap_us=int(gap_s * 1e6))
    with transaction(engine, writes=True) as connection:
        connection.execute(text(copies))
    engine.dispose()


def table(url: str, store_url: str) -> str:
    """Return the figures beside every kind of slow work, in Markdown.

    Those beside nothing come after the first ones, since the kill switch starts v1, and before the
    deletion, which goes on afterwards.
    """
    head = [
        "| beside | forecasts p99 ms (ratio) | PUT /v1/flags p99 ms (ratio) | longest | failed |",
        "| --- | --- | --- | --- | --- |",
    ]
    asyncio.run(_beside(url, SECONDS))
    beside: dict[str, _Figures] = {}
    for name in WORK:
        if name == DELETION:
            beside["nothing"] = asyncio.run(_beside(url, SECONDS))
        command = [sys.executable, "-m", "benchmarks.bulkheads", name, url, store_url]
        work = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert work.stdout
        work.stdout.readline()  # it begins
        beside[name] = asyncio.run(_beside(url, SECONDS))
        if work.poll() is None:
            work.terminate()
        print(name, work.communicate()[0].strip(), flush=True)
    idle = beside["nothing"]
    return "\n".join([*head, *(_line(name, idle, figures) for name, figures in beside.items())])


_Figures = tuple[load.Load, list[float], int]


async def _beside(url: str, seconds: float) -> _Figures:
    """Return the forecasts, the milliseconds of each change of the flags, and those that failed."""
    small = forecast_body(NetworkMode.INTERNET)
    changes = asyncio.create_task(_change_flags(url, seconds))
    forecasts = await load.send(url, "/v1/forecast", small, 4, seconds, RATE)
    return forecasts, *await changes


async def _change_flags(url: str, seconds: float) -> tuple[list[float], int]:
    """Turn the kill switch on and off."""
    took_ms, failed, end_s = [], 0, time.perf_counter() + seconds
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        while time.perf_counter() < end_s:
            flags = (await client.get("/v1/flags")).json()
            change = {"force_v1_mode": not flags["flags"]["force_v1_mode"]}
            body = {"flags": change, "version": flags["version"], "who": "benchmark"}
            began_s = time.perf_counter()
            response = await client.put("/v1/flags", json=body)
            took_ms.append((time.perf_counter() - began_s) * 1000)
            failed += response.status_code != 200
            await asyncio.sleep(0.1)
    return took_ms, failed


def _bulk(url: str, _: str) -> None:
    body = bulk_columns_body(NetworkMode.INTERNET, 1000)
    items = body[body.index(b"[") + 1 : body.rindex(b"]")]
    content = b'{"requests":[%s]}' % b",".join([items] * 10)
    print("begins", flush=True)
    while True:
        assert (
            httpx.post(
                f"{url}/v1/forecasts", content=content, headers=load.JSON, timeout=300
            ).status_code
            == 200
        )


def _reports(url: str, _: str) -> None:
    async def caller(first: int) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=300) as client:
            for number in itertools.count(first):
                await client.get(REPORTS[number % len(REPORTS)])

    async def callers() -> None:
        await asyncio.gather(*(caller(number) for number in range(10)))

    print("begins", flush=True)
    asyncio.run(callers())


def _delete(url: str, _: str) -> None:
    print("begins", flush=True)
    assert httpx.delete(f"{url}/v1/links/{LONG}", timeout=300).status_code == 200


def _tidy(_: str, store_url: str) -> None:
    _copy(store_url, OLD_LINKS, OLD_SAMPLES, 30.5 * DAY_S)
    store = Store(store_url, _clock).ready()
    print("begins", flush=True)
    store.tidy()
    print("tidied")


WORK: dict[str, Callable[[str, str], None]] = {
    "bulk calls of 10 000": _bulk,
    "ten callers of reports": _reports,
    "the tidying of a day": _tidy,
    DELETION: _delete,
}


def _line(name: str, idle: _Figures, loaded: _Figures) -> str:
    forecasts_ms, idle_ms = loaded[0].percentile(99), idle[0].percentile(99)
    flags_ms, idle_flags_ms = np.percentile(loaded[1], 99), np.percentile(idle[1], 99)
    return (
        f"| {name} | {forecasts_ms:.0f} ({forecasts_ms / idle_ms:.1f}) "
        f"| {flags_ms:.0f} ({flags_ms / idle_flags_ms:.1f}) | {max(loaded[1]):.0f} "
        f"| {loaded[0].failed + loaded[2]} |"
    )


def _clock() -> float:
    return datetime.now(UTC).timestamp()


if __name__ == "__main__":
    if sys.argv[1:]:
        WORK[sys.argv[1]](*sys.argv[2:])
    else:
        main()
