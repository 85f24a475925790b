"""Prometheus metrics of the models of a process: what serves, and how its runs are."""

from collections.abc import Callable, Mapping, Sequence

from pba.serving.model_host import ModelHost

from ..ray_metrics import Labels, RayMetrics

__all__ = ["ModelMetrics"]


class ModelMetrics:
    """Counts runs of models, and refused versions.

    Parameters
    ----------
    metrics
        The metrics of the replica.
    """

    def __init__(self, metrics: RayMetrics) -> None:
        self._metrics = metrics
        self._seconds = metrics.histogram("pba_model_run_seconds")
        self._windows = metrics.histogram("pba_model_run_windows")
        self._refused = metrics.counter("pba_models_refused_total")

    def count_run(self, model: str, windows: int, seconds: float) -> None:
        """Count a run of ``model``."""
        self._seconds.observe(seconds, (model,))
        self._windows.observe(windows, (model,))

    def count_refused(self, model: str) -> None:
        """Count a version of ``model`` that is refused."""
        self._refused.inc((model,))

    def follow(self, hosts: Callable[[], Sequence[ModelHost]]) -> None:
        """Show what ``hosts`` serve, and whether the registry answers them."""

        def versions() -> Mapping[Labels, float]:
            return {(host.name, host.forecaster.version): 1.0 for host in hosts() if host.serves}

        def registry() -> Mapping[Labels, float]:
            return {(host.name,): float(not host.registry_away) for host in hosts() if host.serves}

        self._metrics.gauge("pba_model_info").follow(versions)
        self._metrics.gauge("pba_registry_up").follow(registry)
