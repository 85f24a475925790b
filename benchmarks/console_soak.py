"""Does an open console leak? `make soak MINUTES=30`, or `python -m benchmarks.console_soak 30`.

50 links report a sample a second, with a forecast each, while a browser has the pages Now and of
one link open, and turns through the others once a minute. For the first five minutes, or a third of
a shorter run, it turns without a rest, for the browser grows until it has kept and tidied what it
keeps of some hundred turns. From then on the memory of the router and of the browser's pages is
measured each five seconds.
The exit status is 1 if it grows by 10 MB an hour or more in either: if the 95 % interval of the
slope does not end below.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import numpy as np
import psutil

from benchmarks import servers
from benchmarks.cpu import router_process
from benchmarks.devtools import Browser, Session, browser
from benchmarks.loop_client import STEP_S, Controllers, Figures
from benchmarks.memory_slope import slope

LINKS, MINUTES, WARM_UP_MIN, EVERY_S, TURN_S = 50, 30.0, 5.0, 5.0, 60.0
LIMIT_MB_H = 10.0
HEAPS = {"pages, JavaScript": "usedSize", "pages, documents": "embedderHeapUsedSize"}
"""Parts of the pages' memory, as the DevTools protocol calls them."""
TURNS = ("links", "quality", "rollout", "models", "drift", "events", "try")

SHOWN = """new Promise((shown) => {
  const body = () => document.querySelector("main > div:not([aria-busy])");
  const look = () => (body() ? shown(location.hash) : setTimeout(look, 50));
  setTimeout(look, 50);
})"""
"""The expression that waits until a page shows what it was asked for."""

Memory = dict[str, float]


def main(minutes: float) -> bool:
    """Run, print a table, and return whether memory grows slowly enough."""
    warm_up_min = min(WARM_UP_MIN, minutes / 3)
    with servers.service() as (url, environment):
        router = psutil.Process(int(router_process(environment["RAY_TMPDIR"])))
        rows = asyncio.run(_run(url, router, minutes * 60, warm_up_min * 60))
    return _print_slopes(rows)


def _print_slopes(rows: list[tuple[float, Memory]]) -> bool:
    hours = np.array([at_s for at_s, _ in rows]) / 3600
    print("| memory | MB at the end | MB/h | 95 % interval | below 10 MB/h |")
    print("| --- | --- | --- | --- | --- |")
    small = True
    for name in rows[0][1]:
        values = np.array([memory[name] for _, memory in rows])
        rise = slope(hours, values)
        small &= rise.high < LIMIT_MB_H
        interval = f"{rise.low:.1f} to {rise.high:.1f}"
        verdict = "yes" if rise.high < LIMIT_MB_H else "no"
        print(f"| {name} | {values[-1]:.0f} | {rise.estimate:.1f} | {interval} | {verdict} |")
    return small


async def _run(
    url: str, router: psutil.Process, seconds: float, warm_up_s: float
) -> list[tuple[float, Memory]]:
    """Return the memory at times in seconds, once the service and the pages are warm."""
    headers = {"content-type": "application/json"}
    async with (
        httpx.AsyncClient(base_url=url, timeout=120, trust_env=False, headers=headers) as client,
        browser() as chromium,
    ):
        controllers = Controllers(client, LINKS, one_call=True)
        await controllers.report_past()
        (link, *_) = (await client.get("/v1/links?limit=1")).json()["links"]
        names = ("now", f"link/{link['link_id']}")
        pages = [await chromium.open(f"{url}/console/#/{name}") for name in names]
        for page in pages:
            await page.evaluate(SHOWN)
        tasks = [
            asyncio.create_task(_report(controllers, seconds)),
            asyncio.create_task(_turn_pages(pages[1], names[1], seconds, warm_up_s)),
        ]
        rows = await _measure(chromium, pages, router, seconds, warm_up_s)
        await asyncio.gather(*tasks)
    return rows


async def _report(controllers: Controllers, seconds: float) -> None:
    figures = Figures(LINKS, int(seconds))
    await _each(STEP_S, seconds, lambda: controllers.step(figures))
    assert set(figures.statuses) == {200}, figures.statuses


async def _turn_pages(page: Session, name: str, seconds: float, warm_up_s: float) -> None:
    started_s = time.monotonic()
    while time.monotonic() - started_s < warm_up_s:
        await turn(page, name)
    await _each(TURN_S, seconds - warm_up_s, lambda: turn(page, name))


async def turn(page: Session, name: str) -> None:
    """Turn through the pages of `TURNS`, to the one of ``name`` in the end."""
    for other in (*TURNS, name):
        await page.evaluate(f"location.hash = {json.dumps(f'#/{other}')}")
        await page.evaluate(SHOWN)


async def _measure(
    chromium: Browser,
    pages: list[Session],
    router: psutil.Process,
    seconds: float,
    warm_up_s: float,
) -> list[tuple[float, Memory]]:
    started_s, rows = time.monotonic(), []

    async def measure() -> None:
        at_s = time.monotonic() - started_s
        heaps = [await _heaps_mb(page) for page in pages]
        if at_s >= warm_up_s:
            processes = [psutil.Process(number) for number in await chromium.renderers()]
            memory = {"router": _private_mb(router), "pages": sum(map(_private_mb, processes))}
            rows.append((at_s, memory | {name: sum(one[name] for one in heaps) for name in HEAPS}))

    await _each(EVERY_S, seconds, measure)
    return rows


async def _heaps_mb(page: Session) -> Memory:
    """Return the heaps of a page once what is not used any more is collected."""
    await page.call("HeapProfiler.collectGarbage")
    usage = await page.call("Runtime.getHeapUsage")
    return {name: float(usage[key]) / 1e6 for name, key in HEAPS.items()}


def _private_mb(process: psutil.Process) -> float:
    """Return what a process has to itself, in million bytes."""
    rows = Path("/proc", str(process.pid), "smaps_rollup").read_text().splitlines()
    return sum(float(row.split()[1]) for row in rows if row.startswith("Private_")) * 1024 / 1e6


async def _each(every_s: float, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    """Do ``work`` every so often until ``seconds`` are over."""
    started_s = time.monotonic()
    for step in range(int(seconds / every_s)):
        await asyncio.sleep(max(0.0, started_s + step * every_s - time.monotonic()))
        await work()


if __name__ == "__main__":
    sys.exit(0 if main(float(sys.argv[1]) if sys.argv[1:] else MINUTES) else 1)
