"""What a Monitor does: each job with its own schedule, limits and failures."""

import contextlib
import logging
from collections.abc import Callable

from pba.errors import StoreUnavailable
from pba.monitoring.fold_job import FoldJob
from pba.monitoring.jobs import Job
from pba.monitoring.order_job import fill_orders
from pba.monitoring.progressive_rollout import step_rollout
from pba.monitoring.retraining import RetrainingPolicy
from pba.monitoring.scorer import Scorer
from pba.monitoring.transfer_job import TransferJob
from pba.monitoring.verdict_job import VerdictJob
from pba.store import Store

from ..ray_metrics import RayMetrics
from ..settings import Settings
from .figures_job import FiguresJob
from .ray_jobs import RayJobs
from .scoring_metrics import ScoringMetrics
from .service_metrics import ServiceMetrics

__all__ = ["MonitorJobs"]

_log = logging.getLogger("ray.serve")
_FOLD_EVERY_S = 1.0
_FIGURES_EVERY_S = 5.0
_OLD_ROWS_EVERY_S = 5.0
_VERDICTS_EVERY_S = 5.0
_TRANSFERS_EVERY_S = 5.0
_RETRAINING_EVERY_S = 10.0
_LEASE_S = 30.0
_TIDY_LEASE_S = 120.0
_TIDY_LIMIT_S = 3600.0


class MonitorJobs:
    """The jobs of one Monitor.

    What is global is done by the Monitor that holds the job's lease.

    Parameters
    ----------
    store
        What is scored, and where leases are held.
    holder
        The Monitor's name in leases; no other Monitor has it.
    clock
        The time now, Unix seconds.
    metrics
        The metrics of the Monitor.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        holder: str,
        clock: Callable[[], float],
        metrics: RayMetrics,
    ) -> None:
        self._store = store
        self._settings = settings
        self._holder = holder
        self._scorer = Scorer(store, settings.score_wait_s, settings.gap_intervals)
        self._fold = FoldJob(store, holder, clock)
        self._retraining = RetrainingPolicy(
            store, RayJobs(settings), settings.retrain_every_h, clock
        )
        self._verdicts = VerdictJob(store)
        self._transfers = TransferJob(store, settings.score_wait_s, settings.gap_intervals)
        self._scoring = ScoringMetrics(metrics)
        service = ServiceMetrics(metrics, store, clock)
        self._figures = FiguresJob(store, self._scoring, service, clock)
        self._leases: set[str] = set()
        self._versions: dict[int, str] = {}

    @property
    def due_links(self) -> int:
        """How many links waited to be scored when the backlog was last looked at."""
        return self._figures.due_links

    def all(self) -> list[Job]:
        """Return the jobs."""
        settings, store = self._settings, self._store
        jobs = [
            Job("scoring", self._score, settings.score_every_s),
            Job("folding", self._fold.run, _FOLD_EVERY_S),
            Job("old_rows", self._leased("old_rows", store.old_rows.copy_some), _OLD_ROWS_EVERY_S),
            Job("orders", self._leased("orders", self._fill_orders), _OLD_ROWS_EVERY_S),
            Job("figures", self._figures.run, _FIGURES_EVERY_S),
            Job("verdicts", self._leased("verdicts", self._verdicts.run), _VERDICTS_EVERY_S),
            Job("transfers", self._leased("transfers", self._transfers.run), _TRANSFERS_EVERY_S),
            Job("rollout", self._leased("rollout", self._step_rollout), settings.step_every_s),
            Job(
                "tidying",
                self._leased("tidying", self._tidy, _TIDY_LEASE_S),
                settings.tidy_every_s,
                limit_s=_TIDY_LIMIT_S,
            ),
        ]
        if settings.retrain_on_drift:
            # A dashboard that hangs is no reason to restart what scores.
            retrain = self._leased("retraining", self._retrain)
            failures = (ConnectionError, RuntimeError)  # what Ray's client raises
            jobs.append(
                Job("retraining", retrain, _RETRAINING_EVERY_S, vital=False, failures=failures)
            )
        return jobs

    def stop(self) -> None:
        """Give back the leases; while the store is away they end by themselves."""
        with contextlib.suppress(StoreUnavailable):
            for name in self._leases:
                self._store.jobs.give_back_lease(name, self._holder)

    def _leased(
        self, name: str, work: Callable[[], bool], lease_s: float = _LEASE_S
    ) -> Callable[[], bool]:
        """Return ``work``, done only while this Monitor holds the lease ``name``."""
        self._leases.add(name)

        def run() -> bool:
            return self._store.jobs.take_lease(name, self._holder, lease_s) and work()

        return run

    def _score(self) -> bool:
        scored = self._scorer.score_due()
        if not {row["version"] for row in scored.sums()} <= self._versions.keys():
            self._versions = self._store.scoring.version_names()
        self._scoring.count(scored, self._versions)
        return scored.full

    def _fill_orders(self) -> bool:
        return fill_orders(self._store)

    def _step_rollout(self) -> bool:
        step_rollout(self._store)
        return False

    def _tidy(self) -> bool:
        jobs, name = self._store.jobs, "tidying"
        self._store.tidy(jobs.lease_renewal(name, self._holder, _TIDY_LEASE_S))
        # No other Monitor has anything to do before the next round.
        jobs.take_lease(name, self._holder, self._settings.tidy_every_s)
        return False

    def _retrain(self) -> bool:
        submission = self._retraining.submit_if_due()
        if submission is not None:
            _log.info("retraining_submitted", extra=submission.body)
        return False
