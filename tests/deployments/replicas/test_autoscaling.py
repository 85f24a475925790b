"""Routers grow with whatever they answer, by whatever protocol; Monitors with what waits."""

from types import SimpleNamespace
from typing import Any

import pytest

from deployments.replicas.autoscaling import (
    DUE_LINKS,
    IN_FLIGHT,
    STREAMS,
    monitor_replicas,
    router_replicas,
)


def context(total: float, reported: dict[str, dict[str, float]] | None) -> Any:
    return SimpleNamespace(
        total_num_requests=total,
        aggregated_metrics=reported,
        config=SimpleNamespace(target_ongoing_requests=32),
        policy_state={"kept": 1},
    )


@pytest.mark.parametrize(
    ("total", "reported", "replicas"),
    [
        (0.0, None, 0.0),
        (48.0, None, 1.5),
        (0.0, {IN_FLIGHT: {"a": 40.0, "b": 24.0}}, 2.0),  # gRPC alone
        (64.0, {IN_FLIGHT: {"a": 32.0}}, 2.0),  # some wait before the router
        (64.0, {IN_FLIGHT: {"a": 2.0}, STREAMS: {"a": 30.0, "b": 18.0}}, 0.5),  # most are streams
        (32.0, {"other": {"a": 900.0}}, 1.0),
    ],
)
def test_the_larger_count_decides(
    total: float, reported: dict[str, dict[str, float]] | None, replicas: float
) -> None:
    assert router_replicas(context(total, reported)) == (replicas, {"kept": 1})


@pytest.mark.parametrize(
    ("reported", "replicas"),
    [
        (None, 0.0),
        ({DUE_LINKS: {"a": 0.0}}, 0.0),
        ({DUE_LINKS: {"a": 5000.0, "b": 6000.0}}, 3.0),  # both report the backlog of all
    ],
)
def test_monitors_follow_the_backlog(
    reported: dict[str, dict[str, float]] | None, replicas: float
) -> None:
    assert monitor_replicas(context(0.0, reported)) == (replicas, {"kept": 1})
