"""Prometheus metrics of requests: counts and latencies by mode and source, never by link."""

from collections import Counter as Tally
from collections.abc import Sequence

from ray.serve.metrics import Histogram

from pba.errors import PBAError
from pba.types import Forecast

from ..ray_metrics import counter

__all__ = ["RequestMetrics"]

_BOUNDS_MS = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 75.0, 100.0, 150.0, 250.0, 500.0, 1000.0, 2500.0]


class RequestMetrics:
    """Counts forecasts, errors and latencies; a `pba.serving.data_plane.RequestMeter`."""

    def __init__(self) -> None:
        name = "dwcp_pba_predictions_total"
        self._forecasts = counter(name, "Forecasts answered.", "mode", "source")
        self._errors = counter("dwcp_pba_errors_total", "Refused requests.", "call", "code")
        self._limited = counter(
            "dwcp_pba_limited_total", "Calls over a limit of their caller.", "role", "limit"
        )
        self._latency_ms = Histogram(
            "dwcp_pba_prediction_latency_ms",
            "Time from body to forecast, in ms.",
            boundaries=_BOUNDS_MS,
            tag_keys=("mode",),
        )

    def count_error(self, call: str, error: PBAError) -> None:
        """Count a refused request."""
        self._errors.inc(tags={"call": call, "code": error.code})

    def count_limit(self, role: str, limit: str) -> None:
        """Count a call that is refused because a caller of ``role`` has reached a limit."""
        self._limited.inc(tags={"role": role, "limit": limit})

    def count_forecast(self, forecast: Forecast, seconds: float) -> None:
        """Count one forecast, and how long it took."""
        self._forecasts.inc(tags={"mode": forecast.mode.value, "source": forecast.source})
        self._latency_ms.observe(seconds * 1000, tags={"mode": forecast.mode.value})

    def count_bulk(self, items: Sequence[Forecast | PBAError]) -> None:
        """Count the items of a bulk request."""
        forecasts = (item for item in items if isinstance(item, Forecast))
        by_source = Tally((forecast.mode.value, forecast.source) for forecast in forecasts)
        by_code = Tally(item.code for item in items if isinstance(item, PBAError))
        for (mode, source), count in by_source.items():
            self._forecasts.inc(count, tags={"mode": mode, "source": source})
        for code, count in by_code.items():
            self._errors.inc(count, tags={"call": "item", "code": code})
