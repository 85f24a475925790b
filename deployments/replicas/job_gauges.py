"""Prometheus gauges of the Monitor's jobs."""

from collections.abc import Mapping

from ..ray_metrics import gauge

__all__ = ["JobGauges"]


class JobGauges:
    """How long ago each job last finished a round."""

    def __init__(self) -> None:
        self._ages = gauge(
            "dwcp_pba_job_age_seconds", "Seconds since a job of the Monitor finished.", "job"
        )

    def update(self, ages_s: Mapping[str, float]) -> None:
        """Set the gauge of each job to its age."""
        for job, age_s in ages_s.items():
            self._ages.set(age_s, {"job": job})
