"""Metrics for Prometheus through Ray, which exports them as ``ray_`` and their name.

A call of Ray takes microseconds, and Ray forgets what a gauge was set to within 20 s. So what is
counted here is kept, and a thread hands it to Ray every other second.
"""

import logging
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ray.serve import metrics as ray_metrics

from .former_metrics import FORMER, FORMER_GAUGES
from .metric_table import METRICS, Metric

__all__ = ["Counter", "Gauge", "Histogram", "Labels", "RayMetrics"]

Labels = tuple[str, ...]
"""The values of a metric's labels, in the order of `metric_table`."""

_Record = Callable[[float, Labels], None]

_Kind = TypeVar("_Kind", "Counter", "Gauge", "Histogram")

_log = logging.getLogger("ray.serve")
_EVERY_S = 2.0
_STOP_S = 2.0


class Counter:
    """Counts, by labels."""

    def __init__(self, records: Sequence[_Record]) -> None:
        self._records = records
        self._lock = threading.Lock()
        self._new: defaultdict[Labels, float] = defaultdict(float)

    def inc(self, labels: Labels = (), value: float = 1.0) -> None:
        """Add ``value``, which may be 0."""
        with self._lock:
            self._new[labels] += value

    def hand_on(self) -> None:
        """Give Ray what was counted since the last time."""
        with self._lock:
            new, self._new = self._new, defaultdict(float)
        for labels, value in new.items():
            if value:  # Ray's counters take no 0
                _record(self._records, value, labels)


class Gauge:
    """Has the last value of each labels."""

    def __init__(self, records: Sequence[_Record]) -> None:
        self._records = records
        self._values: Mapping[Labels, float] = {}
        self._read: Callable[[], Mapping[Labels, float]] = lambda: self._values

    def set(self, value: float, labels: Labels = ()) -> None:
        """Set the value of ``labels``."""
        self._values = {**self._values, labels: value}

    def replace(self, values: Mapping[Labels, float]) -> None:
        """Set all values; other labels have none any more."""
        self._values = values

    def follow(self, read: Callable[[], Mapping[Labels, float]]) -> None:
        """Have the values be what ``read`` returns, in another thread, whenever they are needed."""
        self._read = read

    def hand_on(self) -> None:
        """Give Ray the values of now."""
        for labels, value in self._read().items():
            _record(self._records, value, labels)


class Histogram:
    """Counts values by buckets."""

    def __init__(self, records: Sequence[_Record]) -> None:
        self._records = records
        self._new: deque[tuple[float, Labels]] = deque()

    def observe(self, value: float, labels: Labels = ()) -> None:
        """Count ``value``."""
        self._new.append((value, labels))

    def hand_on(self) -> None:
        """Give Ray what was observed since the last time."""
        for _ in range(len(self._new)):
            _record(self._records, *self._new.popleft())


class RayMetrics:
    """The metrics of one replica.

    Parameters
    ----------
    library
        Has the classes ``Counter``, ``Gauge`` and ``Histogram`` as `ray.serve.metrics`.
    """

    def __init__(self, library: Any = ray_metrics) -> None:
        self._library = library
        self._metrics: list[Counter | Gauge | Histogram] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="metrics", daemon=True)

    def counter(self, name: str) -> Counter:
        """Return the counter ``name`` of `metric_table`."""
        return self._kept(Counter(self._records(METRICS[name], "inc")))

    def gauge(self, name: str) -> Gauge:
        """Return the gauge ``name`` of `metric_table`."""
        return self._kept(Gauge(self._records(METRICS[name], "set")))

    def histogram(self, name: str) -> Histogram:
        """Return the histogram ``name`` of `metric_table`."""
        return self._kept(Histogram(self._records(METRICS[name], "observe")))

    def former_gauge(self, name: str) -> Gauge:
        """Return the gauge ``name`` of `FORMER_GAUGES`."""
        labels = ("mode", "source", "version")
        metric = self._library.Gauge(name, FORMER_GAUGES[name], tag_keys=labels)
        return self._kept(Gauge([_recorder(metric.set, labels, labels)]))

    def start(self) -> None:
        """Hand on what is counted from now on, again and again."""
        self._thread.start()

    def stop(self) -> None:
        """Hand on what is left, and end."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)
        self.hand_on()

    def hand_on(self) -> None:
        """Give Ray what it does not have yet, and the gauges again."""
        for metric in [*self._metrics]:
            metric.hand_on()

    def _work(self) -> None:
        while not self._stopped.wait(_EVERY_S):
            try:
                self.hand_on()
            except Exception:  # metrics are no reason to end what they measure
                _log.exception("metrics_failed")

    def _kept(self, metric: _Kind) -> _Kind:
        self._metrics.append(metric)
        return metric

    def _records(self, metric: Metric, method: str) -> list[_Record]:
        """Return what records a value in the metric of Ray, and in its former one."""
        former = FORMER.get(metric.name)
        current = self._create(metric, metric.name, metric.labels, metric.bounds)
        if former is None:
            return [_recorder(getattr(current, method), metric.labels, metric.labels)]
        given = (*metric.labels, *former.also)
        labels = tuple(label for label in given if label not in former.without)
        before = self._create(metric, former.name, labels, former.bounds)
        return [
            _recorder(getattr(current, method), given, metric.labels),
            _recorder(getattr(before, method), given, labels, former.scale),
        ]

    def _create(self, metric: Metric, name: str, labels: Labels, bounds: Sequence[float]) -> Any:
        kind = getattr(self._library, metric.kind.capitalize())
        options: dict[str, Any] = {"boundaries": list(bounds)} if bounds else {}
        return kind(name, metric.description, tag_keys=labels, **options)


def _recorder(
    record: Callable[..., None], given: Labels, labels: Labels, scale: float = 1.0
) -> _Record:
    """Return what calls ``record`` with those of the labels that are ``given`` that it has."""
    places = [(label, given.index(label)) for label in labels]

    def scaled(value: float, values: Labels) -> None:
        record(value * scale, tags={label: values[place] for label, place in places})

    return scaled


def _record(records: Sequence[_Record], value: float, labels: Labels) -> None:
    for record in records:
        record(value, labels)
