"""How many replicas there should be.

Serve counts its own requests, a router all that it answers, a model the time that it computes;
Monitors follow what waits for them. Where more arrives with each second, replicas are added for
what will arrive once they have started, so that no queue has to grow first.
"""

from typing import Any

from ray.serve.config import AutoscalingContext

from .arrival_trend import Trend

__all__ = [
    "ARRIVALS",
    "BUSY",
    "DUE_LINKS",
    "IN_FLIGHT",
    "STREAMS",
    "model_replicas",
    "monitor_replicas",
    "router_replicas",
]

ARRIVALS = "arrivals"
"""What a router or a model reports: the calls or the windows that arrived for it in a second."""

BUSY = "busy"
"""What `record_autoscaling_stats` of a model reports: the share of the time that it computes."""

IN_FLIGHT = "in_flight"
"""What `record_autoscaling_stats` of a router reports: its requests in flight, gRPC included."""

STREAMS = "streams"
"""The same of its streams, which Serve counts as requests although they mostly wait."""

DUE_LINKS = "due_links"
"""What `record_autoscaling_stats` of a Monitor reports: the links that wait to be scored."""

_LINKS_PER_MONITOR = 2000  # it scores about as many in two seconds, see docs/capacity.md
_START_S = 15.0  # of a replica: its process, imports and model
_BUSY_TARGET = 0.5  # M/D/1: 99 of 100 calls then wait for less than four others
_MOST_GROWTH = 2.0  # a slope of few arrivals, or after a step, is no reason for more
_TREND = "trend"

Decision = tuple[float, dict[str, Any]]


def router_replicas(context: AutoscalingContext) -> Decision:
    """Return the routers that the load needs; Serve applies limits, factors and delays.

    The load is what Serve counts, HTTP and handle calls with those that wait before a router but
    without streams, or what the routers report, whichever is more. Forecasts that a router computes
    by itself are requests in flight until they are answered, so a router that cannot keep up shows
    in both. It grows as arrivals do.
    """
    assert context.config is not None
    reported = context.aggregated_metrics or {}
    in_flight, streams = (sum(reported.get(name, {}).values()) for name in (IN_FLIGHT, STREAMS))
    load = max(context.total_num_requests - streams, in_flight)
    growth, state = _growth(context, ARRIVALS)
    return load * growth / context.config.target_ongoing_requests, state


def model_replicas(context: AutoscalingContext) -> Decision:
    """Return the replicas of a model that its calls need; Serve applies limits, factors and delays.

    That is for the calls in flight, as Serve counts them, or for the time that replicas compute,
    whichever is more. Time is used up before calls have to wait: a replica that computes for more
    than half of it gets another beside it. Both grow as arrivals do.
    """
    assert context.config is not None
    busy = sum(_newest(context, BUSY).values())
    growth, state = _growth(context, ARRIVALS)
    load = context.total_num_requests / context.config.target_ongoing_requests
    return max(load, busy / _BUSY_TARGET) * growth, state


def monitor_replicas(context: AutoscalingContext) -> Decision:
    """Return the Monitors that the backlog needs; Serve applies limits, factors and delays.

    Every Monitor reports the backlog of all, so the largest figure counts. A backlog that grows
    counts as it will be.
    """
    reported = (context.aggregated_metrics or {}).get(DUE_LINKS, {})
    growth, state = _growth(context, DUE_LINKS, total=max)
    return max(reported.values(), default=0.0) * growth / _LINKS_PER_MONITOR, state


def _growth(context: AutoscalingContext, metric: str, total: Any = sum) -> Decision:
    """Return by what factor a metric grows until another replica has started, and the new state.

    It is at least 1: what will be less is still there now.
    """
    state = dict(context.policy_state)
    series = (context.raw_metrics or {}).get(metric, {})
    newest_s = max((points[-1].timestamp for points in series.values() if points), default=0.0)
    if not newest_s:
        return 1.0, state
    value = float(total(_newest(context, metric).values()))
    before = Trend(*state[_TREND]) if _TREND in state else Trend(newest_s, value)
    trend = before.measured(newest_s, value) if newest_s > before.at_s else before
    state[_TREND] = (trend.at_s, trend.level, trend.slope_per_s)
    if trend.level <= 0:
        return 1.0, state
    assert context.current_time is not None
    assert context.config is not None
    started_s = context.current_time + context.config.upscale_delay_s + _START_S
    return min(max(1.0, trend.forecast(started_s) / trend.level), _MOST_GROWTH), state


def _newest(context: AutoscalingContext, metric: str) -> dict[Any, float]:
    """Return what each replica reported last: an average over the past lags behind growth."""
    series = (context.raw_metrics or {}).get(metric, {})
    return {replica: points[-1].value for replica, points in series.items() if points}
