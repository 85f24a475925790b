"""What a running service has acknowledged stays, whichever of its processes is killed."""

import asyncio
import itertools
from typing import Any

import httpx
import numpy as np
import pytest

from pba.client import AsyncPBAClient, PBAClient
from pba.errors import Unavailable
from pba.store import Store
from tests.support.histories import steady_history
from tests.support.processes import kill
from tests.support.service import RunningService
from tests.support.waiting import until, wait_until

pytestmark = [pytest.mark.ray, pytest.mark.slow]

BATCH = 5
RETRY_S = 0.05


class Reporter:
    """Reports one link's samples in order, each batch until it is acknowledged."""

    def __init__(self, link_id: str) -> None:
        self.link_id = link_id
        self.acknowledged = 0
        self.failures = 0
        self.partial: list[int] = []

    async def run(self, client: AsyncPBAClient, stop: asyncio.Event) -> None:
        """Report until ``stop``, and then until the last batch is acknowledged."""
        for first in itertools.count(0, BATCH):
            await self._report(client, first)
            self.acknowledged = first + BATCH
            if stop.is_set():
                return

    async def _report(self, client: AsyncPBAClient, first: int) -> None:
        while True:
            try:
                report = await client.observe(self.link_id, steady_history(BATCH, first))
                break
            except Unavailable:
                self.failures += 1
                await asyncio.sleep(RETRY_S)
        if report["accepted"] not in (0, BATCH):
            self.partial.append(first)


class Watcher:
    """Watches a link as long as the test lasts, whatever happens to the stream."""

    def __init__(self) -> None:
        self.newest_s = 0.0

    async def run(self, service: RunningService, link_id: str) -> None:
        async with AsyncPBAClient(service.url, retries=60) as client:
            async for forecast in client.watch(link_id):
                assert forecast.newest_sample_at.timestamp() > self.newest_s
                self.newest_s = forecast.newest_sample_at.timestamp()


async def test_samples_are_stored_once_as_sent_and_seen_whichever_replica_is_killed(
    service: RunningService,
):
    reporters = [Reporter(f"killed-{number}") for number in range(3)]
    stop = asyncio.Event()

    async def progress() -> None:
        targets = [reporter.acknowledged + 10 * BATCH for reporter in reporters]
        await until(
            lambda: all(
                r.acknowledged >= target for r, target in zip(reporters, targets, strict=True)
            ),
        )

    async with AsyncPBAClient(service.url, timeout_s=10, retries=0) as client:
        tasks = [asyncio.create_task(reporter.run(client, stop)) for reporter in reporters]
        await progress()
        watcher = Watcher()
        watching = asyncio.create_task(watcher.run(service, reporters[0].link_id))
        for victim in ("Router", "Monitor", "Router"):
            await progress()
            assert await asyncio.to_thread(kill, service, victim)
        await progress()
        stop.set()
        await asyncio.gather(*tasks)
        newest_s = steady_history(1, reporters[0].acknowledged - 1).timestamps_s[0]
        await until(lambda: watcher.newest_s == newest_s, "the newest forecast")
        watching.cancel()
    assert all(reporter.failures for reporter in reporters), "the kills hit no call"
    assert [reporter.partial for reporter in reporters] == [[], [], []], "half a batch was stored"
    store = Store(f"sqlite:///{service.folder}/pba.db", lambda: 2e9)
    for reporter in reporters:
        samples, _ = store.history(reporter.link_id, 0, 9e9, 1_000_000)
        sent = steady_history(reporter.acknowledged)
        np.testing.assert_array_equal(samples.timestamps_s, sent.timestamps_s)
        np.testing.assert_allclose(samples.telemetry, sent.telemetry)
    store.close()


def test_the_state_of_links_outlives_every_replica(service: RunningService):
    def links() -> dict[str, dict[str, Any]]:
        rows = httpx.get(f"{service.url}/v1/links").json()["links"]
        return {row["link_id"]: row for row in rows}

    with PBAClient(service.url) as client:
        client.observe("kept", steady_history(60))
        for second in range(60, 70):
            client.link_forecast("kept")
            client.observe("kept", steady_history(1, first=second))
        wait_until(lambda: int(client.link("kept")["hits"]) >= 9, "the scoring")
        before = links()
        for deployment in ("Monitor", "InternetModel", "DatacenterModel", "Router"):
            assert kill(service, deployment)
        wait_until(service.is_ready)
        after = links()
        assert after.keys() == before.keys()
        for link_id, link in before.items():
            assert after[link_id]["mode"] == link["mode"]
            assert after[link_id]["hits"] >= link["hits"], "scoring may go on, but never back"
        assert client.link_forecast("kept").link_id == "kept"
