"""The names that metrics had until release 3.0, exported beside the new ones for one release.

To end that, delete this file and what imports it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["FORMER", "FORMER_GAUGES", "FormerMetric"]

_BOUNDS_MS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 75.0, 100.0, 150.0, 250.0, 500.0, 1000.0, 2500.0)


@dataclass(frozen=True, slots=True)
class FormerMetric:
    """What a metric was before.

    Parameters
    ----------
    scale
        How many of its units one of today's has.
    bounds
        Its buckets, if it was a histogram.
    without
        Labels of today's metric that it lacked.
    also
        Labels that it had and today's lacks. Whoever counts gives them last.
    """

    name: str
    scale: float = 1.0
    bounds: tuple[float, ...] = ()
    without: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


def _scored(name: str) -> FormerMetric:
    return FormerMetric(f"dwcp_pba_predictions_{name}_total", without=("arm",), also=("version",))


FORMER: Mapping[str, FormerMetric] = {
    "pba_forecasts_total": FormerMetric("dwcp_pba_predictions_total"),
    "pba_forecast_seconds": FormerMetric("dwcp_pba_prediction_latency_ms", 1000.0, _BOUNDS_MS),
    "pba_errors_total": FormerMetric("dwcp_pba_errors_total"),
    "pba_limited_total": FormerMetric("dwcp_pba_limited_total"),
    "pba_models_refused_total": FormerMetric("dwcp_pba_models_refused_total"),
    "pba_forecasts_scored_total": _scored("scored"),
    "pba_forecasts_in_band_total": _scored("in_band"),
    "pba_forecasts_expected_in_band_total": _scored("expected_in_band"),
    "pba_forecasts_in_interval_total": _scored("in_interval"),
    "pba_due_links": FormerMetric("dwcp_pba_due_links"),
    "pba_oldest_due_seconds": FormerMetric("dwcp_pba_oldest_due_seconds"),
    "pba_job_age_seconds": FormerMetric("dwcp_pba_job_age_seconds"),
}
"""The former metric of each that had one."""

FORMER_GAUGES: Mapping[str, str] = {
    "dwcp_pba_prediction_accuracy": "Share of forecasts one step ahead within 20 %, of all time.",
    "dwcp_pba_confidence": "Mean confidence of those forecasts.",
    "dwcp_pba_model_version": "1 for versions that were scored.",
}
"""Gauges of all time, by mode, source and version; what took their place is of the last hour."""
