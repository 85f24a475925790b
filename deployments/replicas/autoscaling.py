"""How many routers and Monitors there should be.

Serve counts its own requests, a router all that it answers; Monitors follow what waits for them.
"""

from typing import Any

from ray.serve.config import AutoscalingContext

__all__ = ["DUE_LINKS", "IN_FLIGHT", "STREAMS", "monitor_replicas", "router_replicas"]

IN_FLIGHT = "in_flight"
"""What `record_autoscaling_stats` of a router reports: its requests in flight, gRPC included."""

STREAMS = "streams"
"""The same of its streams, which Serve counts as requests although they mostly wait."""

DUE_LINKS = "due_links"
"""What `record_autoscaling_stats` of a Monitor reports: the links that wait to be scored."""

_LINKS_PER_MONITOR = 2000  # it scores about as many in two seconds, see docs/capacity.md


def router_replicas(context: AutoscalingContext) -> tuple[float, dict[str, Any]]:
    """Return the routers that the load needs; Serve applies limits, factors and delays.

    The load is what Serve counts, HTTP and handle calls with those that wait before a router but
    without streams, or what the routers report, whichever is more. Forecasts that a router computes
    by itself are requests in flight until they are answered, so a router that cannot keep up shows
    in both.
    """
    assert context.config is not None
    reported = context.aggregated_metrics or {}
    in_flight, streams = (sum(reported.get(name, {}).values()) for name in (IN_FLIGHT, STREAMS))
    load = max(context.total_num_requests - streams, in_flight)
    return load / context.config.target_ongoing_requests, context.policy_state


def monitor_replicas(context: AutoscalingContext) -> tuple[float, dict[str, Any]]:
    """Return the Monitors that the backlog needs; Serve applies limits, factors and delays.

    Every Monitor reports the backlog of all, so the largest figure counts.
    """
    reported = (context.aggregated_metrics or {}).get(DUE_LINKS, {})
    return max(reported.values(), default=0.0) / _LINKS_PER_MONITOR, context.policy_state
