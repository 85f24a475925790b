"""What stands in for `ray.serve.metrics`: it knows what Ray would export."""

from collections.abc import Sequence
from typing import Any

Labels = tuple[str, ...]


class _Metric:
    def __init__(
        self, name: str, description: str, tag_keys: Labels, boundaries: Sequence[float] = ()
    ) -> None:
        assert description
        self.labels, self.boundaries = tag_keys, boundaries
        self.values: dict[Labels, Any] = {}

    def key(self, tags: dict[str, str]) -> Labels:
        assert tuple(tags) == self.labels, f"{tags} for the labels {self.labels}"
        return tuple(tags.values())


class _Counter(_Metric):
    def inc(self, value: float, tags: dict[str, str]) -> None:
        assert value > 0, "Ray's counters take no 0"
        key = self.key(tags)
        self.values[key] = self.values.get(key, 0) + value


class _Gauge(_Metric):
    def set(self, value: float, tags: dict[str, str]) -> None:
        self.values[self.key(tags)] = value


class _Histogram(_Metric):
    def observe(self, value: float, tags: dict[str, str]) -> None:
        self.values.setdefault(self.key(tags), []).append(value)


class MetricLibrary:
    """Makes metrics that keep their values, in `metrics` by name."""

    def __init__(self) -> None:
        self.metrics: dict[str, _Metric] = {}

    def Counter(self, name: str, *args: Any, **options: Any) -> _Metric:
        """Return a counter."""
        return self._kept(name, _Counter(name, *args, **options))

    def Gauge(self, name: str, *args: Any, **options: Any) -> _Metric:
        """Return a gauge."""
        return self._kept(name, _Gauge(name, *args, **options))

    def Histogram(self, name: str, *args: Any, **options: Any) -> _Metric:
        """Return a histogram."""
        return self._kept(name, _Histogram(name, *args, **options))

    def values(self, name: str) -> dict[Labels, Any]:
        """Return the values of the metric ``name``, by labels."""
        return self.metrics[name].values

    def _kept(self, name: str, metric: _Metric) -> _Metric:
        assert name not in self.metrics, f"{name} twice"
        self.metrics[name] = metric
        return metric
