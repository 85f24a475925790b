"""Watching events: which a caller gets, in which order, and where it goes on."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from pba.errors import Busy
from pba.security import EVERYTHING, Scope
from pba.serving import event_watch
from pba.serving.event_watch import EventWatch, EventWatcher
from pba.serving.pools import DEFAULT_POOL
from pba.store import Store
from pba.types import Event
from tests.support.databases import new_file
from tests.support.keys import NOW_S

WAIT_S = 60.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(new_file(tmp_path / "pba.db"), lambda: NOW_S).ready()
    yield opened
    opened.close()


def add(store: Store, *kinds: str, link_id: str | None = "a") -> None:
    store.add_events([Event(kind, NOW_S, link_id, {}) for kind in kinds])


async def kinds_from(watcher: EventWatcher, count: int) -> list[str]:
    events: list[Event] = []
    async with asyncio.timeout(WAIT_S):
        while len(events) < count:
            events += await watcher.next(WAIT_S)
    return [event.kind for event in events]


async def test_what_happens_from_now_on_comes_in_order(store: Store):
    add(store, "before")
    watch, watcher = EventWatch(store, DEFAULT_POOL), EventWatcher(EVERYTHING, None, None, None)
    async with watch.watch(watcher):
        add(store, "drift", "mode_switch")
        assert await kinds_from(watcher, 2) == ["drift", "mode_switch"]


async def test_a_caller_that_returns_gets_what_it_has_missed_once(store: Store):
    add(store, "one", "two", "three")
    watch, watcher = EventWatch(store, DEFAULT_POOL), EventWatcher(EVERYTHING, None, None, 1)
    async with watch.watch(watcher):
        add(store, "four")
        assert await kinds_from(watcher, 3) == ["two", "three", "four"]
        assert await watcher.next(0.3) == []


async def test_kind_link_and_scope_choose(store: Store):
    chosen = {
        "kind": EventWatcher(EVERYTHING, "drift", None, None),
        "link": EventWatcher(EVERYTHING, None, "b", None),
        "scope": EventWatcher(Scope(("a*",)), None, None, None),
    }
    watch = EventWatch(store, DEFAULT_POOL)
    async with (
        watch.watch(chosen["kind"]),
        watch.watch(chosen["link"]),
        watch.watch(chosen["scope"]),
    ):
        add(store, "drift", "mode_switch", link_id="a")
        add(store, "mode_switch", link_id="b")
        add(store, "flags", link_id=None)
        assert await kinds_from(chosen["link"], 1) == ["mode_switch"]
        assert await kinds_from(chosen["kind"], 1) == ["drift"]
        assert await kinds_from(chosen["scope"], 2) == ["drift", "mode_switch"]


async def test_a_caller_that_leaves_too_many_waiting_gets_no_more(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(event_watch, "_MOST_WAITING", 2)
    watcher = EventWatcher(EVERYTHING, None, None, None)
    for number in range(1, 5):
        watcher.offer(Event("drift", NOW_S, "a", {}, number))
    assert [one.number for one in await watcher.next(WAIT_S)] == [1, 2, 3]
    with pytest.raises(Busy, match="reads slower than events happen"):
        await watcher.next(WAIT_S)
