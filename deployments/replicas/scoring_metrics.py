"""Prometheus metrics of how forecasts turned out and how far scoring is, never by link."""

from collections.abc import Iterable, Mapping
from typing import Any

from pba.monitoring.scorer import ScoredBatch
from pba.scoring.codes import ARMS, MODES, SOURCES

from ..former_metrics import FORMER_GAUGES
from ..ray_metrics import Labels, RayMetrics

__all__ = ["ScoringMetrics"]

_COUNTED = {
    "scored": "pba_forecasts_scored_total",
    "hits": "pba_forecasts_in_band_total",
    "confidence": "pba_forecasts_expected_in_band_total",
    "covered_90": "pba_forecasts_in_interval_total",
}
"""Columns of the sums, and the counter of each: rates of these, divided, are shares of any time."""

_FORMER_KEYS = ("mode", "source", "version")


class ScoringMetrics:
    """Counts what this Monitor scores, so that Prometheus may sum the counters of several.

    Parameters
    ----------
    metrics
        The metrics of the replica.
    """

    def __init__(self, metrics: RayMetrics) -> None:
        self._counts = {column: metrics.counter(name) for column, name in _COUNTED.items()}
        self._unscored = metrics.counter("pba_forecasts_unscored_total")
        self._seconds = metrics.histogram("pba_scoring_seconds")
        self._due = metrics.gauge("pba_due_links")
        self._oldest_due = metrics.gauge("pba_oldest_due_seconds")
        self._of_all_time = [metrics.former_gauge(name) for name in FORMER_GAUGES]

    def show_backlog(self, due: int, oldest_due_s: float) -> None:
        """Show how many links wait to be scored, and for how long the longest has."""
        self._due.set(due)
        self._oldest_due.set(oldest_due_s)

    def show_versions(self, versions: Iterable[Mapping[str, Any]]) -> None:
        """Show ``versions``, as in what `pba.store.Store.summary` returns, by former names."""
        served = [version for version in versions if version["served"]]
        labels = [tuple(str(version[name]) for name in _FORMER_KEYS) for version in served]
        accuracy, confidence, of_version = self._of_all_time
        for gauge, column in ((accuracy, "accuracy_20"), (confidence, "confidence")):
            gauge.replace(
                {key: version[column] for key, version in zip(labels, served, strict=True)}
            )
        of_version.replace(dict.fromkeys(labels, 1.0))

    def count(self, scored: ScoredBatch, versions: Mapping[int, str]) -> None:
        """Count what a Monitor has scored of forecasts that callers received.

        Parameters
        ----------
        versions
            The names of the versions in it.
        """
        self.count_sums(scored.sums(), versions)
        for mode, count in scored.unscored().items():
            self._unscored.inc((MODES[mode].value,), count)
        for seconds in scored.waits_s:
            self._seconds.observe(seconds)

    def count_sums(self, sums: Iterable[Mapping[str, Any]], versions: Mapping[int, str]) -> None:
        """Count what was scored one step ahead.

        Parameters
        ----------
        sums
            Rows as `pba.scoring.outcome_sums` returns them.
        versions
            The names of the versions in them.
        """
        for row in sums:
            if row["served"] and row["steps"] == 1:
                labels = _labels(row, versions)
                for column, total in self._counts.items():
                    total.inc(labels, row[column])


def _labels(row: Mapping[str, Any], versions: Mapping[int, str]) -> Labels:
    """Return mode, source and arm, and the version for the former metrics."""
    mode, source, arm = MODES[row["mode"]], SOURCES[row["source"]], ARMS[row["arm"]]
    return mode.value, source, arm.value, versions[row["version"]]
