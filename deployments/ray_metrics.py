"""Prometheus counters and gauges with several tags, which Ray's type hints do not allow."""

from ray.serve.metrics import Counter, Gauge

__all__ = ["counter", "gauge"]


def counter(name: str, description: str, *tags: str) -> Counter:
    """Return a counter."""
    return Counter(name, description, tag_keys=tags)  # type: ignore[arg-type] # the hint has one


def gauge(name: str, description: str, *tags: str) -> Gauge:
    """Return a gauge."""
    return Gauge(name, description, tag_keys=tags)  # type: ignore[arg-type] # the hint has one
