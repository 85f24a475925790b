"""Two arms as operators and controllers see them: roll out, compare, and go back in seconds."""

import asyncio
import time
from collections import Counter

import httpx
import pytest

from pba.client import AsyncPBAClient, PBAClient
from pba.errors import Conflict, InvalidRequest
from pba.rollout import Flags, bucket
from pba.types import Forecast
from tests.deployments.conftest import RunningService
from tests.deployments.test_closed_loop import history, ready, wait_until

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(240)]

LINKS = [f"link-{number}" for number in range(12)]


def arm(made: Forecast) -> str:
    return "v1" if made.members[0].name == "v1" else "v3"


def change(client: PBAClient, **changes: object) -> None:
    client.set_flags(changes, client.flags()["version"], "test")


def v1_answers(client: PBAClient, link: str = LINKS[0]) -> bool:
    """Whether v1, which wakes up when it may be asked, has done so."""
    return arm(client.link_forecast(link)) == "v1"


def test_at_first_v3_answers_for_all_and_v1_sleeps(service: RunningService):
    with PBAClient(service.url) as client:
        for link in LINKS:
            client.observe(link, history(70))
        assert client.flags()["flags"] == Flags().as_dict()
        made = client.link_forecasts(LINKS)
        assert {arm(one) for one in made if isinstance(one, Forecast)} == {"v3"}
        assert client.models()["v1"] == {"mode": "v1", "asleep": True}


def test_changes_are_checked_and_told(service: RunningService):
    with PBAClient(service.url) as client:
        version = client.flags()["version"]
        held = client.set_flags({"enable_hybrid_mode": False}, version, "anna")
        assert (held["version"], held["changed_by"]) == (version + 1, "anna")
        with pytest.raises(Conflict, match="Read them again"):
            client.set_flags({"enable_hybrid_mode": True}, version, "ben")
        for wrong in ({"v3_rollout_percentage": 101}, {"colour": True}, {"shadow": "yes"}):
            with pytest.raises(InvalidRequest):
                client.set_flags(wrong, version + 1, "ben")
        change(client, enable_hybrid_mode=True)
    events = httpx.get(f"{service.url}/v1/events?kind=flags_changed").json()["events"]
    assert events[1]["body"] == {
        "who": "anna",
        "version": version + 1,
        "changed": {"enable_hybrid_mode": {"before": True, "after": False}},
    }


def test_in_shadow_both_arms_are_scored_on_the_same_moments(service: RunningService):
    with PBAClient(service.url) as client:
        change(client, v3_rollout_percentage=0, shadow=True)
        wait_until(lambda: v1_answers(client), 30)
        assert client.models()["v1"]["version"] == "toy-1"
        client.observe("shadowed", history(60))
        for at in range(60, 90):
            assert arm(client.link_forecast("shadowed")) == "v1"
            client.observe("shadowed", history(1, first=at))

        def pairs() -> int:
            return int(client.rollout()["modes"].get("internet", {"pairs": 0})["pairs"])

        wait_until(lambda: pairs() >= 29, 20)
        told = client.rollout()
    past = httpx.get(f"{service.url}/v1/links/shadowed/history").json()["forecasts"]
    hits = {"v1": 0, "v3": 0}
    for one in past:
        if "1" in one["actual_mbps"]:
            actual, point = one["actual_mbps"]["1"], one["said"]["points_mbps"][0]
            hits[one["arm"]] += abs(point - actual) <= 0.2 * actual
        assert one["served"] == (one["arm"] == "v1")
    own = told["modes"]["internet"]
    assert {name: round(own[name]["accuracy_20"] * own["pairs"]) for name in hits} == hits
    assert told["overall"]["verdict"] == "undecided"


async def test_the_kill_switch_reaches_every_replica_within_two_seconds(service: RunningService):
    two = {**service.config, "applications": [dict(service.config["applications"][0])]}
    deployments = [dict(one) for one in two["applications"][0]["deployments"]]
    for one in deployments:
        if one["name"] == "Router":
            one["autoscaling_config"] = {"min_replicas": 2, "max_replicas": 2}
    two["applications"][0]["deployments"] = deployments
    two["applications"][0]["args"] = {**two["applications"][0]["args"], "model_deadline_ms": 10_000}
    await asyncio.to_thread(service.deploy, two)
    await asyncio.to_thread(wait_until, lambda: ready(service), 60)
    heard: list[tuple[float, str]] = []
    stop = asyncio.Event()
    async with AsyncPBAClient(service.url, retries=0) as client:

        async def ask(link: str) -> None:
            while not stop.is_set():
                began = time.monotonic()
                made = await client.link_forecast(link)
                late = made.source == "heuristic"  # no model spoke in time: it is nobody's
                heard.append((began, "nobody" if late else arm(made)))

        held = await client.flags()
        held = await client.set_flags(
            {"v3_rollout_percentage": 50, "shadow": False}, held["version"], "test"
        )
        controlled = next(link for link in LINKS[:6] if bucket(link) >= 50)
        with PBAClient(service.url) as waiting:
            await asyncio.to_thread(wait_until, lambda: v1_answers(waiting, controlled), 60)
        await asyncio.sleep(2)
        asking = [asyncio.create_task(ask(link)) for link in LINKS[:6]]
        await asyncio.sleep(3)
        assert {"v1", "v3"} <= {name for _, name in heard}
        await client.set_flags({"force_v1_mode": True}, held["version"], "test")
        killed = time.monotonic()
        await asyncio.sleep(5)
        stop.set()
        await asyncio.gather(*asking)
        afterwards = Counter(name for began, name in heard if began > killed + 2)
        assert set(afterwards) <= {"v1", "nobody"}
        assert afterwards["v1"] > 20


def test_v1_goes_back_to_sleep_when_nothing_may_be_its(service: RunningService):
    with PBAClient(service.url) as client:
        wait_until(lambda: client.models()["v1"].get("version") == "toy-1", 10)
        change(client, force_v1_mode=False, v3_rollout_percentage=100)
        wait_until(lambda: client.models()["v1"] == {"mode": "v1", "asleep": True}, 90)
        assert arm(client.link_forecast(LINKS[0])) == "v3"
