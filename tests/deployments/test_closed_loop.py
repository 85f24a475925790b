"""The closed loop as controllers see it: report samples, get forecasts, have them scored."""

import asyncio
from pathlib import Path

import httpx
import numpy as np
import pytest

from pba.cli.replay_links import HistorySource, links_of, replay_links
from pba.client import AsyncPBAClient, PBAClient
from pba.errors import NotFound
from pba.evaluation.trace_replay import compare_forecasts, score_horizons
from pba.types import History
from tests.support.histories import START_S, steady_history
from tests.support.service import RunningService
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_a_stored_history_gives_the_forecast_of_the_same_history_given(service: RunningService):
    with PBAClient(service.url) as client:
        assert client.observe("a", steady_history(70))["accepted"] == 70
        stored, given = client.link_forecast("a"), client.forecast(steady_history(70).last(60))
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
        f"{START_S + second},{level * np.exp(rng.normal(0, 0.05)):.4f},l/{level:g}"
        for level in (20.0, 200.0, 5000.0)
        for second in range(70)
    ]
    path = tmp_path / "set.csv"
    path.write_text("\n".join(["timestamp_s,bandwidth_mbps,trace_id", *rows]))
    links, client = links_of([path], 3), AsyncPBAClient(service.url)
    replayed = asyncio.run(replay_links(links, HistorySource.BOTH, client, tmp_path, concurrency=3))
    outcomes = [pair for link in replayed for pair in link.outcomes]
    comparison = compare_forecasts((given.forecast, stored.forecast) for given, stored in outcomes)
    assert (comparison.comparable, comparison.equal) == (len(outcomes), len(outcomes))
    assert len(outcomes) == 3 * 68
    accuracies = [
        [score.accuracy_20 for score in score_horizons(path)]
        for path in zip(*outcomes, strict=True)
    ]
    assert accuracies[0] == accuracies[1]
    assert [link.state["mode"] for link in replayed] == ["internet", "internet", "datacenter"]
    first = links[0].link_id
    assert first.endswith(":000:set:l_20")
    with PBAClient(service.url) as client:
        record = httpx.get(f"{service.url}/v1/links/{first}/history").json()
        assert len(record["samples"]) == 70, "the last sample too, so that all can be scored"
        wait_until(lambda: client.link(first)["hits"] >= 60)


def test_forecasts_are_scored_as_their_actuals_arrive(service: RunningService):
    with PBAClient(service.url) as client:
        client.observe("scored", steady_history(60))
        for second in range(60, 80):
            client.link_forecast("scored")
            client.observe("scored", steady_history(1, first=second))

        def hits() -> int:
            return int(client.link("scored")["hits"])

        wait_until(lambda: hits() >= 19)
        assert client.link("scored")["misses"] == 0
        metrics = client.metrics()
        assert metrics["modes"]["internet"]["accuracy_20"] == 1.0
        assert metrics["overall"]["latency_ms"]["p95"] > 0
    past = httpx.get(f"{service.url}/v1/links/scored/history?from={START_S + 70}&limit=5").json()
    assert len(past["samples"]) == len(past["forecasts"]) == 5


def test_a_mode_that_changes_is_an_event(service: RunningService):
    fast = steady_history(25, first=25, mbps=5000.0)
    with PBAClient(service.url) as client:
        client.observe("moved", steady_history(25))
        for first in range(0, 25, 5):
            part = slice(first, first + 5)
            client.observe("moved", History(fast.timestamps_s[part], fast.telemetry[part]))
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
        response = httpx.get(f"{service.url}/v1/{query}")
        assert (response.status_code, set(response.json())) == (422, {"error"}), query
