"""Prometheus gauges of what a router has in hand."""

from collections.abc import Callable, Mapping

from ..ray_metrics import Labels, RayMetrics
from .services import Services

__all__ = ["follow_load"]


def follow_load(metrics: RayMetrics, services: Services) -> None:
    """Show the requests, streams and writes of ``services``."""

    def alone(read: Callable[[], int]) -> Callable[[], Mapping[Labels, float]]:
        return lambda: {(): read()}

    for name, read in (
        ("pba_requests_in_flight", lambda: services.plane.in_flight),
        ("pba_streams", lambda: services.watches.streams.in_flight),
        ("pba_writes_waiting", lambda: services.commit.waiting),
    ):
        metrics.gauge(name).follow(alone(read))
