"""How many routers there should be: Serve counts its own requests, a router all that it answers."""

from typing import Any

from ray.serve.config import AutoscalingContext

__all__ = ["IN_FLIGHT", "router_replicas"]

IN_FLIGHT = "in_flight"
"""What `record_autoscaling_stats` of a router reports: its requests in flight, gRPC included."""


def router_replicas(context: AutoscalingContext) -> tuple[float, dict[str, Any]]:
    """Return the routers that the load needs; Serve applies limits, factors and delays.

    The load is what Serve counts, HTTP and handle calls with those that wait before a router, or
    what the routers report, whichever is more. Forecasts that a router computes by itself are
    requests in flight until they are answered, so a router that cannot keep up shows in both.
    """
    assert context.config is not None
    reported = (context.aggregated_metrics or {}).get(IN_FLIGHT, {})
    load = max(context.total_num_requests, sum(reported.values()))
    return load / context.config.target_ongoing_requests, context.policy_state
