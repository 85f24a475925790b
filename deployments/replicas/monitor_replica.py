"""The Monitor as a Serve deployment: a thread that scores, and what Prometheus is told of it."""

import logging
import threading
import time
from typing import Any

from ray.serve.metrics import Gauge

from pba.errors import StoreUnavailable
from pba.monitoring.progressive_rollout import step_rollout
from pba.monitoring.retraining import RayJobs, RetrainingPolicy
from pba.monitoring.scorer import Scorer
from pba.store import Store

from ..ingress.request_metrics import counter
from ..settings import Settings
from ..store_factory import open_store
from .node_address import listen_on_node_address

__all__ = ["Monitor"]

_log = logging.getLogger("ray.serve")
_TAGS = ("mode", "source", "version")
_RETRY_S = 1.0


class Monitor:
    """Scores forecasts when their actuals arrive. One replica; it may die at any moment."""

    def __init__(self, settings: Settings) -> None:
        listen_on_node_address()
        self._settings = settings
        self._store = open_store(settings)
        self._scorer = Scorer(self._store)
        self._figures = AccuracyGauges()
        self._retraining = RetrainingPolicy(
            self._store,
            RayJobs(settings),
            settings.retrain_every_h,
            time.time,  # noqa: TID251 - the clock that is passed in
        )
        self._thread = threading.Thread(target=self._work, name="scoring", daemon=True)
        self._thread.start()

    async def hear(self, link_ids: list[str]) -> None:
        """Note that ``link_ids`` have new samples."""
        self._scorer.hear(link_ids)

    def check_health(self) -> None:
        """Have Ray start the Monitor anew if its thread has ended."""
        if not self._thread.is_alive():
            raise RuntimeError("the scoring thread has ended; its log says why.")

    def _work(self) -> None:
        looked = tidied = stepped = -self._settings.tidy_every_s
        while True:
            self._scorer.wait(self._settings.score_every_s)
            now = time.monotonic()
            try:
                self._store.ready()
                self._scorer.score()
                if now - looked >= self._settings.score_every_s:
                    self._scorer.look()
                    self._figures.tell(self._store)
                    self._retrain()
                    looked = now
                if now - stepped >= self._settings.step_every_s:
                    step_rollout(self._store)
                    stepped = now
                if now - tidied >= self._settings.tidy_every_s:
                    self._store.tidy()
                    tidied = now
            except StoreUnavailable as error:
                _log.warning("not_scored", extra={"why": str(error)})
                time.sleep(_RETRY_S)

    def _retrain(self) -> None:
        """Have a model retrained if there is reason to; if not now, then at the next look."""
        if not self._settings.retrain_on_drift:
            return
        try:
            submitted = self._retraining.look()
        except (ConnectionError, RuntimeError) as error:  # what Ray's client raises
            _log.warning("not_retrained", extra={"why": str(error)})
        else:
            if submitted is not None:
                _log.info("retraining", extra=submitted.body)


class AccuracyGauges:
    """How forecasts turned out, by mode, source and version; never by link."""

    def __init__(self) -> None:
        self._accuracy = _gauge(
            "dwcp_pba_prediction_accuracy", "Share of forecasts one step ahead within 20 %."
        )
        self._confidence = _gauge("dwcp_pba_confidence", "Mean confidence of those forecasts.")
        self._version = _gauge("dwcp_pba_model_version", "1 for versions that were scored.")
        self._scored = counter("dwcp_pba_predictions_scored_total", "Forecasts scored.", *_TAGS)
        self._told: dict[tuple[str, ...], int] = {}

    def tell(self, store: Store) -> None:
        """Tell what the store's sums say of forecasts that callers were told."""
        for row in (one for one in store.summary()["versions"] if one["served"]):
            tags = {name: str(row[name]) for name in _TAGS}
            self._accuracy.set(row["accuracy_20"], tags)
            self._confidence.set(row["confidence"], tags)
            self._version.set(1, tags)
            self._count(tags, row["scored"])

    def _count(self, tags: dict[str, str], scored: int) -> None:
        key = tuple(tags.values())
        new = scored - self._told.get(key, 0)
        if new > 0:
            self._scored.inc(new, tags)
        self._told[key] = scored


def _gauge(name: str, description: str) -> Any:
    return Gauge(name, description, tag_keys=_TAGS)  # type: ignore[arg-type] # the hint says one
