"""The routers that share limits, one after the other and while the store is away."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from pba.errors import StoreUnavailable
from pba.serving.live_routers import LiveRouters
from pba.store import Store
from pba.store.router_table import RouterTable
from tests.support.databases import new_file
from tests.support.keys import NOW_S


class AwayTable(RouterTable):
    """A table of a store that is away."""

    def __init__(self) -> None:
        """Need no database."""

    def mark_running(self, router_id: str, lasts_s: float) -> int:
        raise StoreUnavailable("away")

    def remove(self, router_id: str) -> None:
        raise StoreUnavailable("away")


async def test_a_limit_is_shared_by_as_many_routers_as_run(tmp_path: Path):
    store = Store(new_file(tmp_path / "pba.db"), lambda: NOW_S)
    routers = [LiveRouters(store.routers, name, every_s=0.05) for name in ("a", "b", "c")]
    assert [router() for router in routers] == [1, 1, 1]
    for router in routers:
        router.start()
    await _until(lambda: [router() for router in routers] == [3, 3, 3])
    assert routers[0].running
    await routers[1].stop()
    await routers[2].stop()
    await _until(lambda: routers[0]() == 1)
    await routers[0].stop()
    store.close()


async def test_while_the_store_is_away_the_last_count_holds(tmp_path: Path):
    away = LiveRouters(AwayTable(), "a")
    away._count = 3
    for _ in range(2):
        await away.refresh()
    assert away() == 3
    await away.stop()


async def _until(condition: Callable[[], bool]) -> None:
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it does not come true")
