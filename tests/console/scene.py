"""A service with a past: links, forecasts that are scored, alarms, retrainings, versions."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from pba.client import PBAClient
from pba.monitoring.drift.alarms import Alarm, AlarmStage, Change, WatchedStream
from pba.monitoring.drift_watch import DRIFT, alarm_event, mode_drift
from pba.monitoring.scorer import Scorer
from pba.registry import Registry
from pba.store import Store
from pba.types import Event, NetworkMetrics, NetworkMode
from tests.toy import toy_artifact

LINKS = ("fra1:ams2", "fra1:lon3", "site-7.uplink")
SAMPLES, FORECASTS = 80, 40
HOUR_S = 3600.0


def now_s() -> float:
    return time.time()  # noqa: TID251 - samples of now, as a reporter's


def report(url: str) -> None:
    """Report the links a sample a second up to now, with forecasts of the last ones."""
    start_s, rng = now_s() - SAMPLES - FORECASTS, np.random.default_rng(0)
    with PBAClient(url) as client:
        for name in LINKS:
            walk = rng.normal(0, 0.1, SAMPLES + FORECASTS)
            rates = (50 * np.exp(np.cumsum(walk))).tolist()
            samples = [NetworkMetrics(start_s + at, mbps, 40.0) for at, mbps in enumerate(rates)]
            client.observe(name, samples[:SAMPLES])
            for sample in samples[SAMPLES:]:
                client.observe(name, [sample], forecast=True, as_of_newest=True)
        client.set_flags({"shadow": False}, client.flags()["version"], "anna", "only a look")


def score(
    folder: Path, forecasts: int = len(LINKS) * (FORECASTS - 1), at_s: float | None = None
) -> None:
    """Score what is due, as a Monitor does, until so many are scored; by its clock at ``at_s``."""
    clock = now_s if at_s is None else lambda: at_s
    store = Store(f"sqlite:///{folder}/pba.db", clock).ready()
    scorer = Scorer(store)
    deadline_s = time.monotonic() + 60
    while store.summary()["overall"]["scored"] < forecasts:
        assert time.monotonic() < deadline_s, "the forecasts are not recorded"
        scorer.score_due()
    store.close()


def happen(folder: Path) -> None:
    """Store alarms, of a mode one that is open and of a link one that is not, and a retraining."""
    store, at_s = Store(f"sqlite:///{folder}/pba.db", now_s).ready(), now_s()
    fewer = Change(WatchedStream.HITS, -0.01, -0.24, at_s - 5 * HOUR_S, at_s - 5 * HOUR_S, 0.9999)
    slower = Change(WatchedStream.LEVEL, 48.0, 21.5, at_s - 9000, at_s - 8900, 0.9999)
    mode = mode_drift(NetworkMode.INTERNET)
    alarm = Alarm(AlarmStage.ENDED, slower.since_s, (slower,), at_s - HOUR_S)
    job, model = "retrain-internet-3-0", {"model": "internet"}
    refused = ["accuracy_20 on the newest slice falls by 0.0110"]
    store.add_events(
        [
            alarm_event(mode, None, Alarm(AlarmStage.OPENED, fewer.since_s, (fewer,))),
            Event("retraining", at_s - 4.9 * HOUR_S, None, {**model, "job": job, "alarm": 1}),
            Event(
                "retrained",
                at_s - 4 * HOUR_S,
                None,
                {**model, "version": "internet-7", "decision": "refuse", "reasons": refused},
            ),
            alarm_event(DRIFT, LINKS[1], replace(alarm, stage=AlarmStage.OPENED, ended_s=None)),
            alarm_event(DRIFT, LINKS[1], alarm),
            Event("mode_switch", at_s - 60, LINKS[0], {"before": "hybrid", "after": "internet"}),
        ]
    )
    store.close()


def publish(folder: Path, *versions: str) -> None:
    """Publish versions of the model of mode internet."""
    registry = Registry(str(folder / "registry"), now_s)
    for version in versions:
        model = toy_artifact(folder / "published" / version, "internet", version)
        registry.publish(str(model), "anna")
