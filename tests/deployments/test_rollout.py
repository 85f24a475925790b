"""Two arms as operators and controllers see them: roll out, compare, and go back in seconds."""

import asyncio
import copy
import time
from collections import Counter
from typing import Any

import httpx
import pytest

from pba.client import AsyncPBAClient, PBAClient
from pba.errors import Conflict, InvalidRequest
from pba.rollout import Flags, bucket
from pba.types import Forecast
from tests.support.histories import steady_history
from tests.support.service import RunningService
from tests.support.waiting import until, wait_until

pytestmark = [pytest.mark.ray, pytest.mark.slow]

LINKS = [f"link-{number}" for number in range(12)]


def arm(forecast: Forecast) -> str:
    return "v1" if forecast.members[0].name == "v1" else "v3"


def change(client: PBAClient, **changes: object) -> None:
    client.set_flags(changes, client.flags()["version"], "test")


def v1_answers(client: PBAClient, link: str = LINKS[0]) -> bool:
    """Whether v1, which starts when a flag needs it, has started."""
    return arm(client.link_forecast(link)) == "v1"


def test_at_first_v3_serves_every_link_and_v1_sleeps(service: RunningService):
    with PBAClient(service.url) as client:
        for link in LINKS:
            client.observe(link, steady_history(70))
        assert client.flags()["flags"] == Flags().as_dict()
        forecasts = client.link_forecasts(LINKS)
        assert {arm(item) for item in forecasts if isinstance(item, Forecast)} == {"v3"}
        assert client.models()["v1"] == {"mode": "v1", "asleep": True}


def test_changes_are_checked_and_recorded(service: RunningService):
    with PBAClient(service.url) as client:
        version = client.flags()["version"]
        flags = client.set_flags({"enable_hybrid_mode": False}, version, "anna")
        assert (flags["version"], flags["changed_by"]) == (version + 1, "local")
        with pytest.raises(Conflict, match="Read them again"):
            client.set_flags({"enable_hybrid_mode": True}, version, "ben")
        for wrong in ({"v3_rollout_percentage": 101}, {"colour": True}, {"shadow": "yes"}):
            with pytest.raises(InvalidRequest):
                client.set_flags(wrong, version + 1, "ben")
        change(client, enable_hybrid_mode=True)
    events = httpx.get(f"{service.url}/v1/events?kind=flags_changed").json()["events"]
    assert events[1]["body"] == {
        "who": "local",
        "version": version + 1,
        "changed": {"enable_hybrid_mode": {"before": True, "after": False}},
    }


def test_in_shadow_both_arms_are_scored_on_the_same_samples(service: RunningService):
    with PBAClient(service.url) as client:
        change(client, v3_rollout_percentage=0, shadow=True)
        wait_until(lambda: v1_answers(client))
        wait_until(lambda: client.models()["v1"].get("version") == "toy-1", "v1's description")
        client.observe("shadowed", steady_history(60))
        for second in range(60, 90):
            assert arm(client.link_forecast("shadowed")) == "v1"
            client.observe("shadowed", steady_history(1, first=second))

        def pairs() -> int:
            return int(client.rollout()["modes"].get("internet", {"pairs": 0})["pairs"])

        wait_until(lambda: pairs() == 30, "the scoring of both arms")
        report = client.rollout()
    past = httpx.get(f"{service.url}/v1/links/shadowed/history").json()["forecasts"]
    hits = {"v1": 0, "v3": 0}
    for row in past:
        if "1" in row["actual_mbps"]:
            actual, point = row["actual_mbps"]["1"], row["said"]["points_mbps"][0]
            hits[row["arm"]] += abs(point - actual) <= 0.2 * actual
        assert row["served"] == (row["arm"] == "v1")
    mode = report["modes"]["internet"]
    assert {name: round(mode[name]["accuracy_20"] * mode["pairs"]) for name in hits} == hits
    assert report["overall"]["verdict"] == "undecided"


async def test_the_kill_switch_reaches_every_replica_within_two_seconds(service: RunningService):
    await asyncio.to_thread(service.deploy, with_two_routers(service))
    await until(service.is_ready)
    requests: list[tuple[float, str]] = []  # when each began, and the arm that served it
    stop = asyncio.Event()

    def served_since(began_s: float) -> Counter[str]:
        return Counter(name for began, name in requests if began > began_s)

    async with AsyncPBAClient(service.url, retries=0) as client:

        async def load(link: str) -> None:
            while not stop.is_set():
                began = time.monotonic()
                forecast = await client.link_forecast(link)
                late = forecast.source == "heuristic"  # no model was in time, so no arm served
                requests.append((began, "neither" if late else arm(forecast)))

        flags = await client.flags()
        flags = await client.set_flags(
            {"v3_rollout_percentage": 50, "shadow": False}, flags["version"], "test"
        )
        controlled = next(link for link in LINKS[:6] if bucket(link) >= 50)
        with PBAClient(service.url) as waiting:
            await until(lambda: v1_answers(waiting, controlled))
        tasks = [asyncio.create_task(load(link)) for link in LINKS[:6]]
        await until(lambda: served_since(0).keys() >= {"v1", "v3"})
        await client.set_flags({"force_v1_mode": True}, flags["version"], "test")
        limit = time.monotonic() + 2
        await until(lambda: served_since(limit)["v1"] > 100)
        stop.set()
        await asyncio.gather(*tasks)
    assert served_since(limit).keys() <= {"v1", "neither"}


def with_two_routers(service: RunningService) -> dict[str, Any]:
    """Return the service's config with two routers."""
    config = copy.deepcopy(service.config)
    for deployment in config["applications"][0]["deployments"]:
        if deployment["name"] == "Router":
            deployment["autoscaling_config"] = {"min_replicas": 2, "max_replicas": 2}
    return config


def test_v1_stops_when_no_link_may_use_it(service: RunningService):
    with PBAClient(service.url) as client:
        wait_until(lambda: client.models()["v1"].get("version") == "toy-1")
        change(client, force_v1_mode=False, v3_rollout_percentage=100)
        wait_until(lambda: client.models()["v1"] == {"mode": "v1", "asleep": True})
        assert arm(client.link_forecast(LINKS[0])) == "v3"
