"""Prometheus gauges of how forecasts turned out, by mode, source and version; never by link."""

from collections.abc import Mapping
from typing import Any

from ..ray_metrics import counter, gauge

__all__ = ["AccuracyGauges"]

_TAGS = ("mode", "source", "version")


class AccuracyGauges:
    """Accuracy, confidence and counts of scored forecasts that callers got."""

    def __init__(self) -> None:
        self._accuracy = gauge(
            "dwcp_pba_prediction_accuracy",
            "Share of forecasts one step ahead within 20 %.",
            *_TAGS,
        )
        self._confidence = gauge(
            "dwcp_pba_confidence", "Mean confidence of those forecasts.", *_TAGS
        )
        self._version = gauge("dwcp_pba_model_version", "1 for versions that were scored.", *_TAGS)
        self._scored = counter("dwcp_pba_predictions_scored_total", "Forecasts scored.", *_TAGS)
        self._counts: dict[tuple[str, ...], int] = {}

    def update(self, summary: Mapping[str, Any]) -> None:
        """Set the gauges to the figures of ``summary``, as `pba.store.Store.summary` returns it."""
        for version in summary["versions"]:
            if version["served"]:
                tags = {name: str(version[name]) for name in _TAGS}
                self._accuracy.set(version["accuracy_20"], tags)
                self._confidence.set(version["confidence"], tags)
                self._version.set(1, tags)
                self._count(tags, version["scored"])

    def _count(self, tags: dict[str, str], scored: int) -> None:
        key = tuple(tags.values())
        new = scored - self._counts.get(key, 0)
        if new > 0:
            self._scored.inc(new, tags)
        self._counts[key] = scored
