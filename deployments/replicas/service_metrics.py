"""Prometheus gauges of the whole service, as its store has it: quality, drift, rollout, jobs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from pba.monitoring.drift_watch import open_mode_alarms
from pba.registry.promotion import RETRAINED
from pba.rollout import Flags
from pba.store import Store
from pba.types import NetworkMode

from ..ray_metrics import Labels, RayMetrics

__all__ = ["ServiceMetrics"]

_WINDOW_S = 3600.0
_POINT_S = 60
_ACTIVE_S = 300.0
_RETRAININGS = 100
_SHARES = {"accuracy_20": "pba_accuracy_ratio", "confidence": "pba_confidence_ratio"}
_INTERVALS = {"coverage_50": "50", "coverage_90": "90"}

_Point = Mapping[str, Any]


class ServiceMetrics:
    """Shows what is true of all links together; every Monitor shows the same.

    Parameters
    ----------
    metrics
        The metrics of the replica.
    store
        What the figures are of.
    clock
        Returns the current Unix time in seconds.
    """

    def __init__(self, metrics: RayMetrics, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._shares = {column: metrics.gauge(name) for column, name in _SHARES.items()}
        self._coverage = metrics.gauge("pba_coverage_ratio")
        self._active = metrics.gauge("pba_active_links")
        self._alarms = metrics.gauge("pba_drift_alarms")
        self._rollout = metrics.gauge("pba_rollout_ratio")
        self._evidence = metrics.gauge("pba_rollout_evidence")
        self._needed = metrics.gauge("pba_rollout_evidence_needed")
        self._flags = metrics.gauge("pba_flag")
        self._retraining = metrics.gauge("pba_retraining_timestamp_seconds")

    def update(self) -> None:
        """Read the store and set all gauges.

        Raises
        ------
        StoreUnavailable
            While the store is away; the gauges stay as they are.
        """
        self._show_quality()
        self._show_links()
        self._show_flags(self._store.flags().flags)
        self._show_evidence()
        self._show_retraining()

    def _show_quality(self) -> None:
        from_s = self._clock() - _WINDOW_S
        series = self._store.series.read(("mode", "source"), from_s=from_s, step_s=_POINT_S)
        points: dict[str, list[_Point]] = {}
        for one in series["series"]:
            points.setdefault(one["mode"], []).extend(one["points"])
        for column, gauge in self._shares.items():
            gauge.replace({(mode,): _mean(own, column) for mode, own in points.items()})
        self._coverage.replace(
            {
                (mode, interval): _mean(own, column)
                for mode, own in points.items()
                for column, interval in _INTERVALS.items()
            }
        )

    def _show_links(self) -> None:
        figures = self._store.jobs.link_figures(_ACTIVE_S)
        self._active.set(figures.active)
        drifted = {alarm["mode"] for alarm in open_mode_alarms(self._store)}
        alarms: dict[Labels, float] = {}
        for mode in NetworkMode:
            alarms[mode.value, "mode"] = float(mode.value in drifted)
            alarms[mode.value, "links"] = figures.alarms.get(mode.value, 0)
        self._alarms.replace(alarms)

    def _show_flags(self, flags: Flags) -> None:
        serves = flags.enable_v3_prediction and not flags.force_v1_mode
        self._rollout.set(flags.v3_rollout_percentage / 100 if serves else 0.0)
        values = {field.name: getattr(flags, field.name) for field in fields(flags)}
        self._flags.replace(
            {(name,): float(value) for name, value in values.items() if isinstance(value, bool)}
        )

    def _show_evidence(self) -> None:
        comparison = self._store.compare()
        tests = {"overall": comparison["overall"], **comparison["modes"]}
        for gauge, column in ((self._evidence, "evidence"), (self._needed, "decides_at")):
            gauge.replace({(name,): test[column] for name, test in tests.items()})

    def _show_retraining(self) -> None:
        ends: dict[Labels, float] = {}
        for event in self._store.events(RETRAINED, count=_RETRAININGS):  # newest first
            ends.setdefault((event.body["model"], event.body["decision"]), event.at_s)
        self._retraining.replace(ends)


def _mean(points: Sequence[_Point], column: str) -> float:
    """Return the mean over the forecasts of all ``points``, each of which has some."""
    total = sum(float(point["scored"] * point[column]) for point in points)
    return total / sum(int(point["scored"]) for point in points)
