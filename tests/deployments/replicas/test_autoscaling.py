"""Routers grow with whatever they answer, by whatever protocol."""

from types import SimpleNamespace
from typing import Any

import pytest

from deployments.replicas.autoscaling import IN_FLIGHT, router_replicas


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
        (32.0, {"other": {"a": 900.0}}, 1.0),
    ],
)
def test_the_larger_count_decides(
    total: float, reported: dict[str, dict[str, float]] | None, replicas: float
) -> None:
    assert router_replicas(context(total, reported)) == (replicas, {"kept": 1})
