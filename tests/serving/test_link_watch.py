"""Watching links: who gets which forecast, and how often one is computed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from pba.errors import PBAError, StoreUnavailable
from pba.forecasting import ForecastResult
from pba.security import Scope
from pba.serving.link_watch import LinkWatch, LinkWatcher, WatchedLinks
from pba.serving.pools import DEFAULT_POOL
from pba.types import Forecast
from tests.serving.link_harness import LinkHarness, open_links, report
from tests.support.waiting import until

WAIT_S = 60.0


class Watched:
    """A link watch over a harness, and the links that it had forecast."""

    def __init__(self, harness: LinkHarness) -> None:
        self.harness = harness
        self.calls: list[tuple[list[str], bool]] = []
        self.error: PBAError | None = None
        store = harness.store
        self.watch = LinkWatch(
            store.changes, self._forecast, lambda links: links.existing(store, 100), DEFAULT_POOL
        )

    async def _forecast(
        self, link_ids: Sequence[str], *, recorded: bool
    ) -> list[Forecast | PBAError]:
        self.calls.append((list(link_ids), recorded))
        if self.error is not None:
            raise self.error
        results = await self.harness.links.forecasts(link_ids, None, recorded=recorded)
        return [one.forecast if isinstance(one, ForecastResult) else one for one in results]


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Watched]:
    async with open_links(folder) as harness:
        await harness.links.observe([report("a", 20), report("b", 20), report("c", 20)])
        yield Watched(harness)


def watcher_of(*names: str, records: bool = True, within: str = "*") -> LinkWatcher:
    exact = frozenset(name for name in names if not name.endswith("*"))
    beginnings = tuple(name[:-1] for name in names if name.endswith("*"))
    return LinkWatcher(WatchedLinks(exact, beginnings, Scope((within,))), records)


async def names_from(watcher: LinkWatcher) -> list[str]:
    return sorted(str(one.link_id) for one in await watcher.next(WAIT_S))


async def test_a_watcher_gets_the_newest_forecast_and_one_for_each_new_sample(tmp_path: Path):
    async with watched(tmp_path) as service:
        watcher = watcher_of("a")
        async with service.watch.watch(watcher):
            (first,) = await watcher.next(WAIT_S)
            await service.harness.links.observe([report("b", 1, first=20)])
            await service.harness.links.observe([report("a", 1, first=20)])
            (second,) = await watcher.next(WAIT_S)
        assert second.newest_sample_at - first.newest_sample_at == timedelta(seconds=1)
        assert service.calls == [(["a"], True), (["a"], True)]


async def test_two_watchers_share_a_forecast_which_is_recorded_once(tmp_path: Path):
    async with watched(tmp_path) as service:
        one, two = watcher_of("a", records=False), watcher_of("a")
        async with service.watch.watch(one), service.watch.watch(two):
            assert await one.next(WAIT_S) == await two.next(WAIT_S)
            await service.harness.links.observe([report("a", 1, first=20)])
            assert await one.next(WAIT_S) == await two.next(WAIT_S)
        assert service.calls == [(["a"], False), (["a"], True)]


async def test_beginnings_are_watched_within_what_the_caller_may_see(tmp_path: Path):
    async with watched(tmp_path) as service:
        everything, scoped = watcher_of("*"), watcher_of("*", within="b")
        async with service.watch.watch(everything), service.watch.watch(scoped):
            assert await names_from(everything) == ["a", "b", "c"]
            assert await names_from(scoped) == ["b"]
            await service.harness.links.observe([report("d", 20)])
            assert await names_from(everything) == ["d"]
            assert await scoped.next(0.3) == []


async def test_a_caller_that_knows_the_newest_forecast_gets_the_next_one(tmp_path: Path):
    async with watched(tmp_path) as service:
        watcher = watcher_of("a")
        async with service.watch.watch(watcher):
            (first,) = await watcher.next(WAIT_S)
        again = watcher_of("a")
        again.skip("a", first.newest_sample_at)
        async with service.watch.watch(again):
            assert await again.next(0.3) == []
            await service.harness.links.observe([report("a", 1, first=20)])
            assert await names_from(again) == ["a"]


async def test_a_slow_reader_gets_the_newest_forecast_of_each_link(tmp_path: Path):
    async with watched(tmp_path) as service, AsyncExitStack() as stack:
        slow, fast = watcher_of("a", "b"), watcher_of("a")
        for watcher in (slow, fast):
            await stack.enter_async_context(service.watch.watch(watcher))
        for second in range(20, 24):
            await fast.next(WAIT_S)
            await service.harness.links.observe([report("a", 1, first=second)])
        (newest,) = await fast.next(WAIT_S)
        forecasts = await slow.next(WAIT_S)
        assert sorted(str(one.link_id) for one in forecasts) == ["a", "b"]
        assert newest in forecasts


async def test_links_whose_forecast_fails_are_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    async with watched(tmp_path) as service:
        watcher = watcher_of("a")
        async with service.watch.watch(watcher):
            await watcher.next(WAIT_S)
            service.error = StoreUnavailable("away")
            await service.harness.links.observe([report("a", 1, first=20)])
            await until(lambda: len(service.calls) >= 4, limit_s=WAIT_S)
            service.error = None
            assert await names_from(watcher) == ["a"]
        assert [one.message for one in caplog.records] == ["watched_links_not_forecast"]


async def test_without_watchers_the_log_is_not_read(tmp_path: Path):
    async with watched(tmp_path) as service:
        watcher = watcher_of("a")
        async with service.watch.watch(watcher):
            await watcher.next(WAIT_S)
        calls = len(service.calls)
        await asyncio.sleep(0.2)
        await service.harness.links.observe([report("a", 1, first=20)])
        assert await watcher.next(0.3) == []
        assert len(service.calls) == calls
