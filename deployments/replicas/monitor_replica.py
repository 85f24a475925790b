"""The Monitor as a Serve deployment: a thread that scores, watches, retrains and tidies."""

import logging
import threading
import time

from pba.errors import StoreUnavailable
from pba.monitoring.progressive_rollout import step_rollout
from pba.monitoring.retraining import RetrainingPolicy
from pba.monitoring.scorer import Scorer

from ..settings import Settings
from ..store_factory import open_store
from .accuracy_gauges import AccuracyGauges
from .ray_jobs import RayJobs
from .replica_setup import set_up_replica

__all__ = ["Monitor"]

_log = logging.getLogger("ray.serve")
_RETRY_S = 1.0


class Monitor:
    """Scores forecasts when their actuals arrive. One replica; it may die at any moment."""

    def __init__(self, settings: Settings) -> None:
        set_up_replica()
        self._settings = settings
        self._store = open_store(settings)
        self._scorer = Scorer(self._store, gap_intervals=settings.gap_intervals)
        self._gauges = AccuracyGauges()
        self._retraining = RetrainingPolicy(
            self._store,
            RayJobs(settings),
            settings.retrain_every_h,
            time.time,  # noqa: TID251 - the clock that is passed in
        )
        self._thread = threading.Thread(target=self._work, name="scoring", daemon=True)
        self._thread.start()

    def check_health(self) -> None:
        """Have Ray restart the Monitor if its thread has ended."""
        if not self._thread.is_alive():
            raise RuntimeError("the scoring thread has ended; its log says why.")

    def _work(self) -> None:
        scored_s = stepped_s = tidied_s = -self._settings.tidy_every_s
        while True:
            time.sleep(self._settings.score_every_s)
            now_s = time.monotonic()
            try:
                self._store.ready()
                while self._scorer.score_due().full:
                    pass
                if now_s - scored_s >= self._settings.score_every_s:
                    self._gauges.update(self._store.summary())
                    self._retrain()
                    scored_s = now_s
                if now_s - stepped_s >= self._settings.step_every_s:
                    step_rollout(self._store)
                    stepped_s = now_s
                if now_s - tidied_s >= self._settings.tidy_every_s:
                    self._store.tidy()
                    tidied_s = now_s
            except StoreUnavailable as error:
                _log.warning("not_scored", extra={"why": str(error)})
                time.sleep(_RETRY_S)

    def _retrain(self) -> None:
        """Submit a retraining if one is due; if that fails, the next round tries again."""
        if not self._settings.retrain_on_drift:
            return
        try:
            submission = self._retraining.submit_if_due()
        except (ConnectionError, RuntimeError) as error:  # what Ray's client raises
            _log.warning("retraining_not_submitted", extra={"why": str(error)})
        else:
            if submission is not None:
                _log.info("retraining_submitted", extra=submission.body)
