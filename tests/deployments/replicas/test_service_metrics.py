"""Gauges of the whole service against what a test has stored."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deployments.ray_metrics import RayMetrics
from deployments.replicas.service_metrics import ServiceMetrics
from pba.registry.promotion import RETRAINED
from pba.security import LOCAL
from pba.store import Store
from pba.types import Event
from tests.monitoring.builders import CREATED_S, score_series
from tests.support.metric_library import MetricLibrary

NOW_S = CREATED_S + 3600.0


class Shown:
    """The gauges of a store, as Ray gets them."""

    def __init__(self, store: Store) -> None:
        self._library = MetricLibrary()
        self._metrics = RayMetrics(self._library)
        self.service = ServiceMetrics(self._metrics, store, lambda: NOW_S)

    def values(self, name: str) -> dict[tuple[str, ...], Any]:
        self.service.update()
        self._library.values(name).clear()
        self._metrics.hand_on()
        return self._library.values(name)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path}/pba.db", lambda: NOW_S).ready()
    yield opened
    opened.close()


@pytest.fixture
def shown(store: Store) -> Shown:
    return Shown(store)


def test_an_empty_store_shows_no_shares_and_no_alarms(shown: Shown):
    assert shown.values("pba_accuracy_ratio") == {}
    assert set(shown.values("pba_drift_alarms").values()) == {0}
    assert len(shown.values("pba_drift_alarms")) == 6
    assert shown.values("pba_active_links") == {(): 0}
    assert shown.values("pba_rollout_evidence") == {("overall",): 1.0}
    assert shown.values("pba_retraining_timestamp_seconds") == {}


def test_shares_are_those_of_the_last_hour_alone(store: Store, shown: Shown):
    steady = np.full((31, 1), 50.0)
    steady[1::2] = 100.0  # never in band: computed over an hour ago, a minute apart
    score_series(store, ["old"], steady, first=-40)
    assert shown.values("pba_accuracy_ratio") == {}
    score_series(store, ["new"], np.full((21, 1), 50.0), first=10)
    assert shown.values("pba_accuracy_ratio") == {("internet",): 1.0}
    assert shown.values("pba_confidence_ratio") == {("internet",): pytest.approx(0.99, abs=0.001)}
    coverage = shown.values("pba_coverage_ratio")
    assert coverage == {("internet", "50"): 1.0, ("internet", "90"): 1.0}


def test_links_that_reported_lately_are_active(store: Store, shown: Shown, tmp_path: Path):
    earlier = Store(f"sqlite:///{tmp_path}/pba.db", lambda: NOW_S - 301.0).ready()
    score_series(earlier, ["silent"], np.full((3, 1), 50.0))
    earlier.close()
    score_series(store, ["a", "b"], np.full((3, 2), 50.0))
    assert shown.values("pba_active_links") == {(): 2}


def test_alarms_are_those_that_are_open(store: Store, shown: Shown):
    opened = {"stage": "opened", "ended_s": None}
    store.add_events([Event("drift:internet", NOW_S, None, opened)])
    assert shown.values("pba_drift_alarms")["internet", "mode"] == 1
    store.add_events([Event("drift:internet", NOW_S, None, {"stage": "ended", "ended_s": NOW_S})])
    assert shown.values("pba_drift_alarms")["internet", "mode"] == 0
    noise = np.exp(np.random.default_rng(3).normal(0.0, 0.05, (260, 2)))
    fallen = np.where(np.arange(260) < 200, 100.0, 60.0)
    score_series(store, ["fallen", "calm"], noise * np.stack([fallen, np.full(260, 50.0)], axis=1))
    assert len(store.open_link_alarms("drift")) == 1
    assert shown.values("pba_drift_alarms")["internet", "links"] == 1


def test_the_kill_switch_takes_v3_from_all_links(store: Store, shown: Shown):
    store.change_flags({"v3_rollout_percentage": 50}, store.flags().version, LOCAL)
    assert shown.values("pba_rollout_ratio") == {(): 0.5}
    store.change_flags({"force_v1_mode": True}, store.flags().version, LOCAL)
    assert shown.values("pba_rollout_ratio") == {(): 0.0}
    flags = shown.values("pba_flag")
    assert (flags["force_v1_mode",], flags["shadow",]) == (1.0, 0.0)
    assert ("v3_rollout_percentage",) not in flags


def test_a_retraining_shows_when_it_last_ended_so(store: Store, shown: Shown):
    for at_s, decision in ((NOW_S - 9, "refuse"), (NOW_S - 5, "promote"), (NOW_S - 2, "refuse")):
        body = {"model": "internet", "decision": decision}
        store.add_events([Event(RETRAINED, at_s, None, body)])
    assert shown.values("pba_retraining_timestamp_seconds") == {
        ("internet", "refuse"): NOW_S - 2,
        ("internet", "promote"): NOW_S - 5,
    }
