"""The closed loop as controllers see it: report, ask, be scored, whoever dies in between."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from pba.cli.replay_links import HistorySource, links_of, replay_links
from pba.client import AsyncPBAClient, PBAClient
from pba.errors import NotFound, Unavailable
from pba.evaluation.trace_replay import agreement, score
from pba.store import Store
from pba.types import History
from tests.deployments.conftest import RunningService
from tests.deployments.test_running import _KILL

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(240)]

START_S = 1e9


def wait_until(holds: Callable[[], bool], limit_s: float) -> None:
    limit = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.2)


def history(count: int, first: int = 0, mbps: float = 50.0) -> History:
    rng = np.random.default_rng(7)
    telemetry = np.full((first + count, 5), np.nan)
    telemetry[:, 0] = mbps * np.exp(rng.normal(0, 0.02, first + count))
    return History(START_S + first + np.arange(count), telemetry[first:])


def test_a_stored_history_gives_the_forecast_of_the_same_history_given(service: RunningService):
    with PBAClient(service.url) as client:
        assert client.observe("a", history(70))["accepted"] == 70
        stored, given = client.link_forecast("a"), client.forecast(history(70).last(60))
        assert stored.horizons == given.horizons
        assert (stored.mode, stored.source, stored.link_id) == (given.mode, "model", "a")
        many = client.link_forecasts(["a", "nobody"])
        assert isinstance(many[1], NotFound)
        with pytest.raises(NotFound, match="no link is called"):
            client.link("nobody")


def test_links_replayed_at_once_get_the_forecasts_of_their_histories(
    service: RunningService, tmp_path: Path
):
    rng = np.random.default_rng(2)
    rows = [
        f"{START_S + at},{level * np.exp(rng.normal(0, 0.05)):.4f},l/{level:g}"
        for level in (20.0, 200.0, 5000.0)
        for at in range(70)
    ]
    path = tmp_path / "set.csv"
    path.write_text("\n".join(["timestamp_s,bandwidth_mbps,trace_id", *rows]))
    links = links_of([path], 3)
    fed = asyncio.run(replay_links(links, HistorySource.BOTH, service.url, tmp_path, at_once=3))
    turns = [turn for one in fed for turn in one.outcomes]
    found = agreement((given.forecast, stored.forecast) for given, stored in turns)
    assert (found.alike, found.same) == (len(turns), len(turns)) == (3 * 68, 3 * 68)
    accuracies = [[one.accuracy_20 for one in score(part)] for part in zip(*turns, strict=True)]
    assert accuracies[0] == accuracies[1]
    assert [one.state["mode"] for one in fed] == ["internet", "internet", "datacenter"]
    first = links[0].link_id
    assert first.endswith(":000:set:l_20")
    with PBAClient(service.url) as client:
        told = httpx.get(f"{service.url}/v1/links/{first}/history").json()
        assert len(told["samples"]) == 70, "the last sample too, so that all can be scored"
        wait_until(lambda: client.link(first)["hits"] >= 60, 20)


def test_forecasts_are_scored_as_their_actuals_arrive(service: RunningService):
    with PBAClient(service.url) as client:
        client.observe("scored", history(60))
        for at in range(60, 80):
            client.link_forecast("scored")
            client.observe("scored", history(1, first=at))

        def hits() -> int:
            return int(client.link("scored")["hits"])

        wait_until(lambda: hits() >= 19, 20)
        assert client.link("scored")["misses"] == 0
        told = client.metrics()
        assert told["modes"]["internet"]["accuracy_20"] == 1.0
        assert told["overall"]["latency_ms"]["p95"] > 0
    past = httpx.get(f"{service.url}/v1/links/scored/history?from={START_S + 70}&limit=5").json()
    assert len(past["samples"]) == len(past["forecasts"]) == 5


def test_a_mode_that_changes_is_an_event(service: RunningService):
    fast = history(25, first=25, mbps=5000.0)
    with PBAClient(service.url) as client:
        client.observe("moved", history(25))
        for at in range(0, 25, 5):
            client.observe(
                "moved", History(fast.timestamps_s[at : at + 5], fast.telemetry[at : at + 5])
            )
        assert client.link("moved")["mode"] == "datacenter"
    (event,) = httpx.get(f"{service.url}/v1/events?link_id=moved").json()["events"]
    assert (event["kind"], event["body"]["after"]) == ("mode_switch", "datacenter")


def test_nothing_drifts_on_links_that_are_steady(service: RunningService):
    assert httpx.get(f"{service.url}/v1/drift").json() == {"alarms": []}


def test_wrong_queries_are_refused_and_pages_go_on(service: RunningService):
    first = httpx.get(f"{service.url}/v1/links?limit=1").json()
    second = httpx.get(f"{service.url}/v1/links?limit=1&cursor={first['cursor']}").json()
    assert first["links"][0]["link_id"] < second["links"][0]["link_id"]
    for query in ("links?limit=0", "links?mode=moon", "events?cursor=x", "links/a/history?from=x"):
        answer = httpx.get(f"{service.url}/v1/{query}")
        assert (answer.status_code, set(answer.json())) == (422, {"error"}), query


async def test_no_acknowledged_sample_is_lost_whoever_is_killed(service: RunningService):
    acknowledged: set[int] = set()
    failed = 0
    stop = asyncio.Event()
    async with AsyncPBAClient(service.url, timeout_s=10, retries=0) as client:

        async def report() -> None:
            nonlocal failed
            for first in itertools.count(0, 5):
                try:
                    await client.observe("killed", history(5, first=first))
                    acknowledged.update(range(first, first + 5))
                except Unavailable:
                    failed += 1
                if stop.is_set():
                    return
                await asyncio.sleep(0.02)

        async def more() -> None:
            wanted = len(acknowledged) + 50
            await asyncio.to_thread(wait_until, lambda: len(acknowledged) >= wanted, 60)

        reporting = asyncio.create_task(report())
        for victim in ("Router", "Monitor", "Router"):
            await more()
            assert await asyncio.to_thread(service.program, _KILL.format(victim))
        await more()
        stop.set()
        await reporting
    store = Store(f"sqlite:///{service.folder}/pba.db", lambda: 2e9)
    samples, _ = store.history("killed", 0, 9e9, 1_000_000)
    store.close()
    stored = [round(moment - START_S) for moment in samples.timestamps_s.tolist()]
    assert failed > 0, "the kills hit nothing"
    assert acknowledged <= set(stored)
    assert len(stored) == len(set(stored))


def test_the_state_of_links_outlives_the_application(service: RunningService):
    def links() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.get(f"{service.url}/v1/links").json()["links"]
        return found

    wait_until(lambda: links() == (time.sleep(1.5), links())[1], 20)  # until all is scored
    before = links()
    service.program("serve.delete('pba')\nprint(1)")
    service.deploy(service.config)
    wait_until(lambda: ready(service), 90)
    assert links() == before
    assert {"moved", "scored"} < {one["link_id"] for one in before}
    assert sum(one["hits"] for one in before) >= 19
    with PBAClient(service.url) as client:
        assert client.link_forecast("scored").link_id == "scored"


def ready(service: RunningService) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{service.url}/readyz").status_code == 200
    return False
