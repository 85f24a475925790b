"""Prometheus metrics of requests and of what answers them, never by link."""

from collections import Counter as Tally
from collections.abc import Sequence

from pba.errors import PBAError
from pba.store import Receipt, SampleReport
from pba.types import Forecast

from ..ray_metrics import RayMetrics

__all__ = ["RequestMetrics"]


class RequestMetrics:
    """Counts what a router does; a `pba.serving.data_plane.RequestMeter`."""

    def __init__(self, metrics: RayMetrics) -> None:
        self._forecasts = metrics.counter("pba_forecasts_total")
        self._errors = metrics.counter("pba_errors_total")
        self._limited = metrics.counter("pba_limited_total")
        self._seconds = metrics.histogram("pba_forecast_seconds")
        self._samples = metrics.counter("pba_samples_total")
        self._not_recorded = metrics.counter("pba_forecasts_not_recorded_total")
        self._store_seconds = metrics.histogram("pba_store_seconds")

    def count_error(self, call: str, error: PBAError) -> None:
        """Count a refused request."""
        self._errors.inc((call, error.code))

    def count_limit(self, role: str, limit: str) -> None:
        """Count a call that is refused because a caller of ``role`` has reached a limit."""
        self._limited.inc((role, limit))

    def count_forecast(self, forecast: Forecast, seconds: float) -> None:
        """Count one forecast, and how long it took."""
        mode = forecast.mode.value
        self._forecasts.inc((mode, forecast.source))
        self._seconds.observe(seconds, (mode,))

    def count_bulk(self, items: Sequence[Forecast | PBAError]) -> None:
        """Count the items of a bulk request."""
        forecasts = (item for item in items if isinstance(item, Forecast))
        by_source = Tally((forecast.mode.value, forecast.source) for forecast in forecasts)
        by_code = Tally(item.code for item in items if isinstance(item, PBAError))
        for labels, count in by_source.items():
            self._forecasts.inc(labels, count)
        for code, count in by_code.items():
            self._errors.inc(("item", code), count)

    def count_samples(self, receipts: Sequence[Receipt]) -> None:
        """Count the samples of reports that were written."""
        for receipt in receipts:
            self._samples.inc(("stored",), receipt.accepted)
            self._samples.inc(("duplicate",), receipt.duplicates)
            self._samples.inc(("expired",), receipt.expired)
            self._samples.inc(("refused",), len(receipt.refused))

    def count_lost_samples(self, reports: Sequence[SampleReport]) -> None:
        """Count the samples of reports that the store did not take."""
        self._samples.inc(("lost",), sum(len(report.timestamps_s) for report in reports))

    def count_not_recorded(self, count: int) -> None:
        """Count forecasts of named links that the store did not take."""
        self._not_recorded.inc((), count)

    def time_store(self, pool: str, seconds: float) -> None:
        """Count a call of the store, in the threads ``pool``."""
        self._store_seconds.observe(seconds, (pool,))
