"""The Monitor as a Serve deployment: its jobs, each in a thread of its own."""

import logging
import os
import threading
import time
import uuid

from pba.monitoring.jobs import JobRunner
from pba.store.file_lock import FileLock, monitor_lock

from ..ray_metrics import RayMetrics
from ..settings import Settings
from ..store_factory import open_store
from .autoscaling import DUE_LINKS
from .monitor_jobs import MonitorJobs
from .replica_setup import set_up_replica

__all__ = ["Monitor"]

_log = logging.getLogger("ray.serve")
_LOCK_EVERY_S = 1.0
_NICENESS = 10  # callers wait for routers and models, and none for a Monitor
_STOP_S = 4.0  # within the Monitor's graceful_shutdown_timeout_s


class Monitor:
    """Scores forecasts when their actuals arrive, and acts on the outcomes.

    Any number of replicas share the work on PostgreSQL. On SQLite one works and the others wait.
    Each may die at any moment: what it had taken on is taken on by another.
    """

    def __init__(self, settings: Settings) -> None:
        set_up_replica()
        os.nice(_NICENESS)
        self._store = open_store(settings)
        holder = uuid.uuid4().hex
        self._metrics = RayMetrics()
        clock = time.time  # noqa: TID251 - the clock that is passed in
        self._jobs = MonitorJobs(self._store, settings, holder, clock, self._metrics)
        self._runner = runner = JobRunner(self._jobs.all(), time.monotonic)
        self._metrics.gauge("pba_job_age_seconds").follow(
            lambda: {(job,): age_s for job, age_s in runner.ages_s().items()}
        )
        self._metrics.start()
        self._lock = monitor_lock(settings.store_url)
        self._stopped = threading.Event()
        self._starter = threading.Thread(target=self._start, name="start", daemon=True)
        self._starter.start()

    def record_autoscaling_stats(self) -> dict[str, float]:
        """Return how many links are due, for `monitor_replicas`: none where one Monitor works."""
        return {DUE_LINKS: 0.0 if self._lock else self._jobs.due_links}

    def check_health(self) -> None:
        """Have Ray restart the Monitor if a job that it is there for has ended or hangs."""
        problems = self._runner.stalled()
        if problems:
            raise RuntimeError(f"{'; '.join(problems)}.")

    def __del__(self) -> None:
        """End the jobs; called by Serve when the replica stops."""
        self._stopped.set()
        self._runner.stop(_STOP_S)
        self._jobs.stop()
        self._metrics.stop()
        if self._lock is not None:
            self._lock.release()

    def _start(self) -> None:
        """Start the jobs, on SQLite once no other Monitor has the file."""
        logged = ""
        while self._lock is not None and (reason := _reason_to_wait(self._lock)):
            if reason != logged:
                _log.info("monitor_waits", extra={"why": reason})
            logged = reason
            if self._stopped.wait(_LOCK_EVERY_S):
                return
        self._runner.start()


def _reason_to_wait(lock: FileLock) -> str:
    """Take ``lock``; return why that failed, if it did.

    Where its folder cannot be written, neither can the database.
    """
    try:
        return "" if lock.acquire() else "another Monitor has the database"
    except OSError as error:
        return str(error)
