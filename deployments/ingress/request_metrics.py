"""What Prometheus is told: counts and latencies by mode and source, never by link."""

import contextlib
from collections import Counter as Tally
from collections.abc import Iterator, Sequence

from ray.serve.metrics import Counter, Histogram

from pba.errors import PBAError
from pba.types import Forecast

__all__ = ["RequestMetrics", "counter"]

_BOUNDS_MS = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 75.0, 100.0, 150.0, 250.0, 500.0, 1000.0, 2500.0]


class RequestMetrics:
    """Counts forecasts, errors and latency."""

    def __init__(self) -> None:
        self._made = counter("dwcp_pba_predictions_total", "Forecasts made.", "mode", "source")
        self._errors = counter("dwcp_pba_errors_total", "Refused.", "call", "code")
        self._latency_ms = Histogram(
            "dwcp_pba_prediction_latency_ms",
            "Time from body to forecast, in ms.",
            boundaries=_BOUNDS_MS,
            tag_keys=("mode",),
        )

    @contextlib.contextmanager
    def request(self, call: str) -> Iterator[None]:
        """Count the error that ends a request, if one does."""
        try:
            yield
        except PBAError as error:
            self._errors.inc(tags={"call": call, "code": error.code})
            raise

    def forecast(self, made: Forecast, seconds: float) -> None:
        """Count one forecast and how long it took."""
        self._made.inc(tags={"mode": made.mode.value, "source": made.source})
        self._latency_ms.observe(seconds * 1000, tags={"mode": made.mode.value})

    def bulk(self, made: Sequence[Forecast | PBAError]) -> None:
        """Count the items of a bulk call."""
        good = Tally((item.mode.value, item.source) for item in made if isinstance(item, Forecast))
        bad = Tally(item.code for item in made if isinstance(item, PBAError))
        for (mode, source), count in good.items():
            self._made.inc(count, tags={"mode": mode, "source": source})
        for code, count in bad.items():
            self._errors.inc(count, tags={"call": "item", "code": code})


def counter(name: str, description: str, *tags: str) -> Counter:
    """Return a counter with several tags."""
    return Counter(name, description, tag_keys=tags)  # type: ignore[arg-type] # Ray's hint says one
