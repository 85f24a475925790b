"""Replicas grow with what they answer and what soon arrives; Monitors with what waits."""

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deployments.replicas.autoscaling import (
    ARRIVALS,
    BUSY,
    DUE_LINKS,
    IN_FLIGHT,
    STREAMS,
    model_replicas,
    monitor_replicas,
    router_replicas,
)

RECORDED = json.loads((Path(__file__).parents[2] / "fixtures/load/ramp.json").read_text())
LOOK_BACK_S, PUSH_EVERY_S, MOST = 30.0, 10.0, 8

Policy = Callable[[Any], tuple[float, dict[str, Any]]]
Reported = dict[str, dict[str, float]]


def context(total: float, reported: Reported | None, **more: Any) -> Any:
    """Return what Serve passes to a policy, one report old."""
    series = {
        metric: {one: [SimpleNamespace(timestamp=10.0, value=value)] for one, value in rows.items()}
        for metric, rows in (reported or {}).items()
    }
    values = {
        "total_num_requests": total,
        "aggregated_metrics": reported,
        "raw_metrics": series,
        "current_time": 12.0,
        "config": SimpleNamespace(target_ongoing_requests=32, upscale_delay_s=5.0),
        "policy_state": {"kept": 1},
    }
    return SimpleNamespace(**values | more)


@pytest.mark.parametrize(
    ("total", "reported", "replicas"),
    [
        (0.0, None, 0.0),
        (48.0, None, 1.5),
        (0.0, {IN_FLIGHT: {"a": 40.0, "b": 24.0}}, 2.0),  # gRPC alone
        (64.0, {IN_FLIGHT: {"a": 32.0}}, 2.0),  # some wait before the router
        (64.0, {IN_FLIGHT: {"a": 2.0}, STREAMS: {"a": 30.0, "b": 18.0}}, 0.5),  # most are streams
        (32.0, {"other": {"a": 900.0}}, 1.0),
        (32.0, {ARRIVALS: {"a": 900.0}}, 1.0),  # one report is no slope
    ],
)
def test_the_larger_count_decides(total: float, reported: Reported | None, replicas: float) -> None:
    decision, state = router_replicas(context(total, reported))
    assert decision == replicas
    assert state["kept"] == 1


@pytest.mark.parametrize(
    ("total", "reported", "replicas"),
    [
        (0.0, None, 0.0),
        (48.0, {BUSY: {"a": 0.3}}, 1.5),
        (1.0, {BUSY: {"a": 0.75, "b": 0.75}}, 3.0),
        (1.0, {BUSY: {"a": 0.5}, ARRIVALS: {"a": 12.0}}, 1.0),
    ],
)
def test_a_model_has_replicas_for_the_calls_or_for_the_time_they_take(
    total: float, reported: Reported | None, replicas: float
) -> None:
    assert model_replicas(context(total, reported))[0] == pytest.approx(replicas)


@pytest.mark.parametrize(
    ("reported", "replicas"),
    [
        (None, 0.0),
        ({DUE_LINKS: {"a": 0.0}}, 0.0),
        ({DUE_LINKS: {"a": 5000.0, "b": 6000.0}}, 3.0),  # both report the backlog of all
    ],
)
def test_monitors_follow_the_backlog(reported: Reported | None, replicas: float) -> None:
    assert monitor_replicas(context(0.0, reported))[0] == replicas


def reports_at(metric: str, at_s: float, value: float, state: dict[str, Any], load: float) -> Any:
    series = {metric: {"a": [SimpleNamespace(timestamp=at_s, value=value)]}}
    reported = {metric: {"a": value}, IN_FLIGHT: {"a": load}}
    return context(load, reported, raw_metrics=series, current_time=at_s + 1.0, policy_state=state)


@pytest.mark.parametrize(("policy", "metric"), [(router_replicas, ARRIVALS)])
@pytest.mark.parametrize(("slope", "growth"), [(2.0, (1.3, 1.5)), (-2.0, (1.0, 1.0))])
def test_a_load_counts_as_it_will_be_when_a_replica_has_started(
    policy: Policy, metric: str, slope: float, growth: tuple[float, float]
) -> None:
    state: dict[str, Any] = {}
    for at_s in range(2, 122, 2):
        value = 250.0 + slope * (at_s - 120)
        decision, state = policy(reports_at(metric, float(at_s), value, state, load=32.0))
    assert growth[0] - 0.2 <= decision <= growth[1]
    if slope > 0:  # 21 s until then
        assert decision == pytest.approx(1 + 21 * slope / 250.0, rel=0.05)


def test_a_backlog_that_grows_gets_its_monitors_before_it_is_there() -> None:
    state: dict[str, Any] = {}
    for at_s in range(2, 62, 2):
        grown = reports_at(DUE_LINKS, float(at_s), 50.0 * at_s, state, load=0.0)
        decision, state = monitor_replicas(grown)
    assert decision > 50.0 * 60 / 2000 * 1.2


def test_the_same_report_seen_twice_changes_nothing() -> None:
    _, first = router_replicas(reports_at(ARRIVALS, 2.0, 10.0, {}, 1.0))
    _, second = router_replicas(reports_at(ARRIVALS, 4.0, 14.0, first, 1.0))
    _, again = router_replicas(reports_at(ARRIVALS, 4.0, 14.0, second, 1.0))
    assert first != second == again


def decisions(policy: Policy) -> Iterator[tuple[float, int]]:
    """Replay the recorded load of one replica, as Serve would pass it on.

    Serve sends reports every ten seconds and averages the calls in flight over thirty.
    """
    state: dict[str, Any] = {}
    for row in RECORDED:
        if row["at_s"] % PUSH_EVERY_S:
            continue
        past = [one for one in RECORDED if row["at_s"] - LOOK_BACK_S < one["at_s"] <= row["at_s"]]
        series = {
            metric: {
                "a": [SimpleNamespace(timestamp=one["at_s"], value=one[metric]) for one in past]
            }
            for metric in (ARRIVALS, BUSY)
        }
        decision, state = policy(
            context(
                sum(one["in_flight"] for one in past) / len(past),
                {metric: {} for metric in series},
                raw_metrics=series,
                current_time=row["at_s"],
                config=SimpleNamespace(target_ongoing_requests=16, upscale_delay_s=5.0),
                policy_state=state,
            )
        )
        yield row["at_s"], min(max(1, math.ceil(decision)), MOST)


def by_queue(served: Any) -> tuple[float, dict[str, Any]]:
    """Decide as Serve's own policy does: by the calls in flight alone."""
    return served.total_num_requests / served.config.target_ongoing_requests, {}


def first_more(policy: Policy) -> float:
    return next(at_s for at_s, replicas in decisions(policy) if replicas > 1)


def test_on_recorded_load_a_replica_is_added_before_the_queue_grows() -> None:
    """The recorded replica stayed alone, so its queue shows when another was needed."""
    queue_s = next(row["at_s"] for row in RECORDED if row["in_flight"] > 5)
    added_s = first_more(model_replicas)
    assert added_s + 5.0 + 15.0 <= queue_s, "with the delay, and the time that a start takes"
    assert first_more(by_queue) > queue_s, "the policy that counts calls waits for the queue"


def test_on_recorded_load_one_replica_is_left_when_the_load_is_gone() -> None:
    replicas = dict(decisions(model_replicas))
    assert max(replicas.values()) > 1
    assert replicas[RECORDED[-1]["at_s"]] == 1
    first_s = first_more(model_replicas)
    assert all(replicas[at_s] == 1 for at_s in replicas if at_s < first_s)
