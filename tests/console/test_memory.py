"""A page of the console that was left is gone, with what it listened to."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from benchmarks.console_soak import SHOWN, turn
from benchmarks.devtools import Session, browser
from tests.console.conftest import CHROMIUM
from tests.console.scene import LINKS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium"),
]

TURNS, GONE_S = 3, 10.0
LINK_PAGE = f"link/{LINKS[0]}"
KEEP = """
  const kept = [];
  addEventListener("hashchange", () => kept.push(document.querySelector("main > div")));
"""
"""A leak: each page that is shown is kept."""

Counts = dict[str, int]


@pytest.fixture
async def page(filled: str) -> AsyncIterator[Session]:
    """Yield the page of a link."""
    async with browser() as chromium:
        page = await chromium.open(f"{filled}/console/#/{LINK_PAGE}")
        await page.evaluate(SHOWN)
        yield page


async def test_turning_through_all_pages_leaves_nothing_behind(page: Session):
    before = await counted(page)
    for _ in range(TURNS):
        await turn(page, LINK_PAGE)
    assert await growth(page, before) == dict.fromkeys(before, 0)


async def test_what_a_page_leaves_behind_is_counted(page: Session):
    before = await counted(page)
    await page.evaluate(KEEP)
    for _ in range(TURNS):
        await turn(page, LINK_PAGE)
    assert (await growth(page, before))["nodes"] > before["nodes"]


async def counted(page: Session) -> Counts:
    """Return what a page has, once what is not used any more is collected."""
    await page.call("HeapProfiler.collectGarbage")
    counts: Counts = await page.call("Memory.getDOMCounters")
    return counts


async def growth(page: Session, before: Counts) -> Counts:
    """Return how much more there is than ``before``, when all is gone that goes in time."""
    until_s = time.monotonic() + GONE_S
    while True:
        counts = await counted(page)
        more = {name: max(0, counts[name] - before[name]) for name in before}
        if not any(more.values()) or time.monotonic() > until_s:
            return more
        await asyncio.sleep(0.2)
