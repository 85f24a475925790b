"""Prometheus gauges of how forecasts turned out, by mode, source and version; never by link."""

from collections.abc import Iterable, Mapping
from typing import Any

from pba.scoring.codes import MODES, SOURCES

from ..ray_metrics import counter, gauge

__all__ = ["AccuracyGauges"]

_TAGS = ("mode", "source", "version")
_COUNTED = (
    ("scored", "scored", "Forecasts one step ahead that were scored."),
    ("hits", "in_band", "Those within 20 % of the actual."),
    ("confidence", "expected_in_band", "The sum of their confidences: how many should be."),
    ("covered_90", "in_interval", "Those whose 90 % interval had the actual."),
)
"""Columns of the sums, and the counter of each: rates of these, divided, are shares of any time."""


class AccuracyGauges:
    """Accuracy and confidence of all scored forecasts, and counts of those scored by this Monitor.

    So Prometheus may sum the counters of several Monitors.
    """

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
        self._counts = {
            column: counter(f"dwcp_pba_predictions_{name}_total", description, *_TAGS)
            for column, name, description in _COUNTED
        }
        self._due = gauge("dwcp_pba_due_links", "Links that wait to be scored.")
        self._oldest_due = gauge("dwcp_pba_oldest_due_seconds", "How long the longest has waited.")
        self._counted: set[tuple[str, ...]] = set()
        self._shown: set[tuple[str, ...]] = set()

    @property
    def lacks_versions(self) -> bool:
        """Whether this Monitor has scored forecasts of a version that no gauge shows yet."""
        return not self._counted <= self._shown

    def show_backlog(self, due: int, oldest_due_s: float) -> None:
        """Show how many links wait to be scored, and for how long the longest has."""
        self._due.set(due)
        self._oldest_due.set(oldest_due_s)

    def show_versions(self, versions: Iterable[Mapping[str, Any]]) -> None:
        """Show ``versions``, as in what `pba.store.Store.summary` returns."""
        for version in versions:
            if version["served"]:
                tags = {name: str(version[name]) for name in _TAGS}
                self._accuracy.set(version["accuracy_20"], tags)
                self._confidence.set(version["confidence"], tags)
                self._version.set(1, tags)
                self._shown.add(tuple(tags.values()))

    def count(self, sums: Iterable[Mapping[str, Any]], versions: Mapping[int, str]) -> None:
        """Count what was scored one step ahead, of forecasts that callers received.

        Parameters
        ----------
        sums
            Rows as `pba.scoring.outcome_sums` returns them.
        versions
            The names of the versions in them.
        """
        for row in sums:
            if row["served"] and row["steps"] == 1:
                values = (MODES[row["mode"]], SOURCES[row["source"]], versions[row["version"]])
                tags = dict(zip(_TAGS, map(str, values), strict=True))
                for column, total in self._counts.items():
                    if row[column]:  # Ray's counters take no 0
                        total.inc(row[column], tags)
                self._counted.add(tuple(tags.values()))
